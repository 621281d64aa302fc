// Package state keeps what a job must remember when the agent, or the host, dies: one bbolt file per job.
//
// # The lock
//
// Holding the file open is the job's lock: bbolt takes an exclusive lock on it, which the kernel drops when the process
// ends, however it ends. A second process waits, and is then told who holds it ([LockedError]). The name of the holder
// lies beside the file, in <job>.db.holder; it is information only, the lock is the kernel's. A request to give up the
// run that the holder works on is an empty file as well, <job>.db.cancel.<token>; see RequestCancel.
//
// # What is in the file
//
//	meta
//	    format                 version of this layout, decimal: 1
//	order
//	    <started><run id>      empty; big-endian Unix nanoseconds first, so that runs sort by time
//	runs
//	    <run id>
//	        run                Run
//	        steps
//	            <step name>    Step: when it began and when it was done
//	        chunks                 until the run is finished
//	            <index>        big-endian uint32 → length, digest, path of one chunk
//	        targets
//	            <label>
//	                target     Target: token, committed, manifest written
//	                arrived        until the run is finished
//	                    <index>  empty; the target has confirmed this chunk
//
// All values are JSON of the struct types in this package. Chunks and arrivals have keys of their own, so that an
// artifact of many chunks never rewrites one large value. Every method that changes something is one transaction, on
// the disk when it returns. No value holds a secret.
//
// A file of a newer format is refused. A file that is damaged or cut short is refused and left as it is: it may be the
// only record that a database server is down.
package state
