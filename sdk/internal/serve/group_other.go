//go:build !unix

package serve

func closeOnExec(int) {}

// endGroup does nothing: there are no process groups here.
func endGroup() {}
