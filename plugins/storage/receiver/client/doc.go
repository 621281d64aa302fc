// Package client is the storage provider "receiver": backups go to a drydock-receiver, over TLS with certificates on both
// sides. Package wire describes what it speaks.
//
// The receiver writes each chunk at its place in the object to be, flushes it, and compares what its disk gives back with
// the digest that came along, before it answers. So a chunk whose PutChunk has returned is on the receiver's disk, and the
// object needs no second look.
//
// A call gives up, as errs.Transient, when nothing has moved for the stall timeout, or when a chunk takes far longer than
// earlier ones let expect. It does not try again: that is the agent's business, who asks ListChunks first what arrived.
package client
