// Package fault has the named points at which tests kill, stop, fail or delay the agent: before and after everything that
// matters to what a crash leaves behind (each checkpoint, each call to a provider, each fsync, rename and transaction, each
// start of a process).
//
// The code calls [Around] or [AroundStep]; [Boundaries] is the one list of their names, and each name stands for two
// points, NAME.before and NAME.after. They do something in a binary that was built with the tag "faults" alone. Without it
// the calls are nothing but the call of the function that they are given, and no name is left in the binary.
//
// # Orders
//
// A tagged binary takes its orders from the environment:
//
//	DRYDOCK_FAULT=stop.before=kill              one order: POINT=MODE
//	DRYDOCK_FAULT=a.after=error,b.before=hang   several, separated by commas
//	DRYDOCK_FAULT_GUARDIAN=...                  likewise, for the guardian that the agent starts: see [GuardianEnv]
//	DRYDOCK_FAULT_TRACE=FILE                    every point that is passed is appended to FILE, one a line; those of the
//	                                            guardian go to FILE.guardian
//
// An order is carried out when its point is passed for the first time, and then forgotten; the environment itself is what
// remembers it. See [Modes] for what it can be. Providers get none of these variables, so that an order is the agent's own.
package fault
