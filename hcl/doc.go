// Package hcl reads the job language: files of job blocks in HCL become the plain types of package job.
//
// A [Loader] reads files and directories, checks everything that can be checked without touching a server or a
// target, and returns the jobs together with all mistakes it found:
//
//	loader := &hcl.Loader{Schemas: plugins}
//	result, diags := loader.LoadFiles(ctx, "/etc/drydock/jobs.d")
//	diags.WriteText(os.Stderr, true, 100)
//	if diags.HasErrors() {
//		return errInvalid
//	}
//	for _, j := range result.Jobs { ... }
//
// Files are decoded straight from HCL's syntax tree, not through struct tags, because every mistake must become a
// diagnostic that points at the exact characters and says what would be right. The way of a file:
//
//	bytes -> source (size, encoding, nesting)      source.go, limits.go
//	      -> syntax tree                           syntax.go
//	      -> blocks against a table of the language  spec.go, check.go
//	      -> values, one attribute at a time       eval.go, value.go, scalar.go
//	      -> job.Job                               job.go, mysql.go, artifact.go, provider.go
//
// Two more kinds of file go the same way: the agent file (agentfile.go), which says how the agent itself works, and the
// lock file (lockfile.go), which pins third-party providers and is written by drydock itself.
//
// The configuration of a provider (compress, target, notify) is decoded by the schema that the provider itself
// publishes; the [SchemaSource] knows where to get it. Mistakes that only the provider can find, later, are mapped back to the
// job file by [Result.ProviderDiagnostics].
//
// Values that come from file(), env() and credential() carry a mark through every expression. A marked value is
// never printed: not in a diagnostic, not in its JSON form. Literals of sensitive attributes are starred out of quoted
// source lines too.
package hcl
