// Package host starts provider processes and speaks to them: the agent's side of the plugin boundary.
//
// [Start] launches a process in a process group of its own, with standard input closed, an environment that holds nothing
// but what the caller lists, and a private socket directory. It does go-plugin's handshake with mutual TLS, opens the
// lifeline that ends the provider when the agent dies, and asks who it is. Then:
//
//	p, err := host.Start(ctx, host.Command{Kind: "storage", Name: "file", Path: self, Args: args, SocketDir: dir})
//	diags, err := p.Configure(ctx, config)
//	store, err := p.Storage()
//	...
//	err = p.Stop(ctx) // asks first, then kills; the process and its children are gone when it returns
//
// The control plane is gRPC. Bytes do not ride on it: chunks are files that the provider reads itself, ranges that are
// read come through a named pipe, and a compressor's frames lie in memory that both processes map.
//
// An error of a provider arrives with its kind (package errs). When the process itself dies, every call that was running
// and every later one returns a transient error that holds an [ExitError] with the last lines of its standard error.
// Everything here may be used from several goroutines at once unless it says otherwise.
package host
