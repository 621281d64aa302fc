// Package drill proves that a restored data directory is one: it starts a real server on it and asks.
//
//	Find   the program of a fitting server: same product, not older than the one that was backed up
//	Open   a scratch directory, which no other drill uses; what an earlier drill left when it was killed is cleaned up
//	Run    the server, CHECK TABLE of every table, the queries of the job; then the server is gone again
//
// The server is alone: no network (a socket in a directory that only its user may enter), no replication, no events, no
// binary log, no configuration file, the keys of encrypted tables as copies, what lay outside its data directory in the scratch
// directory, bounded memory, its own directory for temporary files and its own error log. It runs
// as the owner of the data where that user can reach them. It dies with the drill (Linux), however that dies; elsewhere
// the next drill ends it.
package drill
