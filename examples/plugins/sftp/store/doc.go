// Package store keeps backups below a directory of a server that speaks SFTP.
//
// # Layout
//
// An object is one file, whose path below the directory is its key. Uploads lie in a directory of their own:
//
//	.drydock-uploads/TOKEN/upload.json   key and chunk size; written last, so what lacks it is no upload
//	.drydock-uploads/TOKEN/data          chunk i at i times the chunk size
//	.drydock-uploads/TOKEN/chunks        a line of fixed length for each chunk that has arrived: see record
//
// PutChunk writes the bytes, flushes them, then writes and flushes the record. Commit gives data its final name with a
// hard link, which never replaces a file, and removes data and chunks. upload.json stays for a week, so that a second
// Commit is answered; after that the next upload removes it.
//
// # What the server must be able to do
//
// The provider was made for OpenSSH. It uses three of OpenSSH's extensions: hardlink (without it, a plain rename, which by
// the standard does not replace a file either), fsync (without it, a chunk that was acknowledged can be lost when the server
// loses power; the read back after Commit then tells) and statvfs (without it, the free space is unknown, and a full
// disk is a permanent error). SFTP cannot flush a directory. The object itself is flushed again after it got its name, which
// on ext4, XFS and Btrfs makes the name durable too.
//
// # Connections
//
// There is one connection, made when it is first needed and made anew after it broke. Every request has a deadline; when
// it passes, the connection is closed, which ends all requests that wait on it. A connection that breaks is a transient
// error: the agent tries again.
package store
