// Package process tells one process of this host from another, also when its number is used again.
//
// A process id alone proves nothing: the kernel hands it out anew once its process is gone. A process is named by its id
// and by the moment of its start, as its kernel counts it.
package process
