// Package plugin starts the agent's providers (targets, compressors, notifiers) as processes of their own and watches over
// them.
//
// Official providers are linked into the drydock binary and run as `drydock plugin serve KIND NAME`: the same executable,
// another process. [Host] gets them as an explicit list. Schemas come from that list, so checking a job file starts
// nothing. Each process gets an environment of a few harmless variables, a private socket directory, and its
// configuration (with the secrets) through the Configure call alone.
//
// A storage provider or notifier that dies is started again at the next call, after a growing pause and not more often than
// maxRestarts times in restartWindow; the call that it died in fails with a transient error, so whoever retries goes on.
// A compressor that dies is not replaced: its frames are lost, and with them the archive. [Host.Close] ends everything.
package plugin
