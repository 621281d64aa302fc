// Package guardian is the small process that brings the database server up again when the agent cannot.
//
// The agent arms it after the intent is on disk and before the server is stopped. It is the same program in a session of
// its own, so neither a signal to the agent's process group nor a closed terminal reaches it. What it has to know, the
// password included, comes over a pipe, never in arguments or in the environment. That pipe is also the lifeline:
//
//	agent                                     guardian
//	  order ------------------------------------>  builds everything that it will need
//	  <------------------------------------ ready
//	  beat, whenever the run has moved --------->  silence begins anew
//	  disarm ----------------------------------->  ends
//	  (end of file) ---------------------------->  the agent is dead: bring the server up
//
// It acts, too, when the agent lives but has passed the order's deadline, or has shown no progress for the order's
// silence: then it ends the agent with SIGKILL first. A frozen agent must never wake up and go on copying the directory of
// a server that runs. Time during which the guardian itself was frozen does not count.
//
// How the server is brought up is the caller's business (see Serve): it is the same code that `drydock recover` runs,
// behind the same locks, so that only one of them starts a server.
//
// Where it cannot help: when the host goes down (recover does it at the next start), when the agent is the first process
// of a container (the kernel ends the guardian with it), and under a service manager that ends all processes of a unit
// with the agent: on systemd the agent's unit needs KillMode=process. On Windows and macOS the same code runs, but no test
// proves it there.
package guardian
