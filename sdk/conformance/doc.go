// Package conformance is what the suites for providers have in common: the T that their cases are written against, a
// runner for use outside of go test, and the cases that concern a provider's process, whatever its kind.
//
// The suites (sdk/storagetest, sdk/compresstest, sdk/notifytest) are lists of named cases. A provider's own test runs them
// with *testing.T; a command that is handed a finished binary runs the very same cases with [Run] and prints the results.
//
// [Cases] demands of a provider's process what the agent relies on: that nothing is printed before the handshake, that
// mistakes in the configuration point at their attribute, that no secret shows in arguments, environment, logs or errors,
// that it answers Health, ends when it is stopped, and ends by itself when the agent is killed. The suites of the three kinds
// put these cases first when they run a provider in a process of its own.
//
// The case "orphan" needs an agent that it can kill. It starts the test binary a second time for that, so the package's
// TestMain must call [Main]; another program says in [Provider] what to start instead.
package conformance
