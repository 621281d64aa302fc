// Package directio reads and writes files without the page cache in between (O_DIRECT): bytes are not copied on their way,
// what is read comes from the disk and not from memory, and a backup does not push a server's pages out of memory.
//
// A [File] does so for whole blocks, and takes the page cache for the rest and where the file system can do no better.
// Callers need not know which it is. [Buffers] are the memory for it.
package directio
