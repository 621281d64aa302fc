// Package schema describes what a provider can be configured with.
//
// A provider's configuration is one Go struct. Its tags are the single source for decoding the provider's block of a job
// file, for the diagnostics that point into that file, for the documentation and for what is hidden in logs:
//
//	type Config struct {
//		Path string        `hcl:"path" doc:"Directory that holds the backups." example:"/mnt/nas/backups"`
//		Mode string        `hcl:"mode,optional" doc:"Mode of new files." default:"0600"`
//		Sync string        `hcl:"sync,optional" oneof:"always|never" default:"always" doc:"When to flush."`
//		Wait time.Duration `hcl:"wait,optional" default:"10s" doc:"How long to wait for the mount."`
//		Key  schema.Secret `hcl:"key,optional" doc:"Shown nowhere."`
//	}
//
// [Of] turns the struct into a [Schema], which crosses the process boundary. The agent checks a block against it without
// knowing the struct; the provider decodes the JSON object that it receives with [Schema.Decode]. In that object a
// duration and a size are strings ("10m", "64MiB"), everything else is the JSON value of its kind.
//
// What only the provider can know (a bucket name must not hold dots) it reports with [Invalid], and the message appears
// at the line of the job file that caused it.
package schema
