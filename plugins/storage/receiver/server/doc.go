// Package server is the receiver's server: it takes objects from many clients, each identified by its certificate and
// confined to a place of its own, and gives them back. Package wire describes what it speaks.
//
// # Who does what
//
//	gate      accepts connections, does the TLS handshakes, counts what it refuses
//	route     finds the handler of a request, and sees to log, metrics and errors
//	client    one client: its store, its quota, its rates
//	upload, object   the handlers
//	sweep     drops uploads that were abandoned
//
// What lies on the disk is the business of a [Store], which survives a SIGKILL at any moment: the server keeps nothing in
// memory that it could not find out again.
//
// # What a client cannot do
//
// See another client's objects, or that there are any; replace an object; delete one that is append-only or younger than
// the retention floor; use more than its quota, its rate, its share of connections and transfers; hold a transfer by
// sending nothing, or next to nothing; make the server use memory in proportion to what it sends.
package server
