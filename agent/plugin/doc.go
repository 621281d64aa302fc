// Package plugin starts the agent's providers (targets, compressors, notifiers) as processes of their own and watches over
// them.
//
// Official providers are linked into the drydock binary and run as `drydock plugin serve KIND NAME`: the same executable,
// another process. [Host] gets them as an explicit list. Schemas come from that list, so checking a job file starts
// nothing. Each process gets an environment of a few harmless variables, a private socket directory, and its
// configuration (with the secrets) through the Configure call alone.
//
// Third-party providers are executables drydock-KIND-NAME in a plugin directory. One is started only when a configuration
// names it, when a [Pin] from the lock file has the SHA-256 of its executable, when nobody but root and our own user can
// have put it there, and when its version is one that the agent file allows; else the error is a [RefusedError] that says
// what to do. The digest is taken anew for every launch, from the very file that is then executed. The way of a name:
//
//	kind and name -> source (built in, or the checked path and the pin)   find.go, trust.go
//	              -> process (digest, handshake, Describe, Configure)     launch.go, sdk/host
//	              -> watched until it ends                                health.go, supervise.go
//
// A storage provider or notifier that dies is started again at the next call, after a growing pause and not more often than
// maxRestarts times in restartWindow; the call that it died in fails with a transient error, so whoever retries goes on.
// A provider that hangs, so that it does not answer its health checks, is killed and counts as one that died.
// A compressor that dies is not replaced: its frames are lost, and with them the archive. [Host.Close] ends everything.
package plugin
