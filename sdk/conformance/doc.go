// Package conformance is what the suites for providers have in common: the T that their cases are written against, and a
// runner for use outside of go test.
//
// The suites (sdk/storagetest, sdk/compresstest, sdk/notifytest) are lists of named cases. A provider's own test runs them
// with *testing.T; a command that is handed a finished binary runs the very same cases with [Run] and prints the results.
package conformance
