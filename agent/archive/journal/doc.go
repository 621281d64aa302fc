// Package journal keeps what an interrupted restore has to know to go on: which backup is being restored, and how much of
// each file was flushed to the disk.
//
// It is the file that marks the directory as incomplete, so the last thing that a restore does, removing it, ends both at
// once. It is text, a record a line, only ever appended to:
//
//	# words for people
//	<crc-32 of the rest, 8 hex digits> {"version":1,"backup":"01JD...","manifest":"9f86d0...","only":[],"delta":false}
//	<crc-32> {"path":"aWJkYXRhMQ==","done":268435456}    the first bytes of this file are on the disk
//	<crc-32> {"placing":true}                           every file is proven; they are moving to their places
//
// Paths are base64, as they need not be UTF-8. A line that is cut short or altered ends the journal: what it and those
// after it said is done once more. Nothing that is read here is trusted: in the end every file is read back from the disk
// and compared with its digest, whoever wrote it.
package journal
