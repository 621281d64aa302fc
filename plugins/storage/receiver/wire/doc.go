// Package wire is what client and server of the receiver say to each other: paths, bodies, headers and errors of the
// protocol, version 1, over HTTP/1.1 and TLS 1.3 with client certificates. docs/formats/receiver.md describes it.
//
// Who a client is says its certificate; each sees its own objects only. Keys travel as query parameters, because paths are
// cleaned by many HTTP libraries on their way.
//
//	GET    /v1/check                                 may I write, and how much room is there
//	POST   /v1/uploads                               begin: Begin, answered by Begun
//	GET    /v1/uploads/{token}/chunks                what has arrived, read back: a stream of Chunk
//	PUT    /v1/uploads/{token}/chunks/{index}        one chunk; its digest in the header Content-Digest
//	POST   /v1/uploads/{token}/commit                Commit, answered by a stream of nothing but its end
//	DELETE /v1/uploads/{token}                       abort
//	GET    /v1/objects?prefix=                       a stream of Object
//	GET    /v1/object?key=                           Object
//	DELETE /v1/object?key=                           delete
//	GET    /v1/object/content?key=&offset=&length=   the bytes
//	GET    /v1/object/digest?key=&offset=&length=    a stream that ends in Digest
//
// A stream is lines of JSON (application/x-ndjson), each a Line. Its last line says that it is the last, so that a stream
// that was cut off is never taken for a whole one; lines that say nothing keep a connection alive while the server works.
package wire
