// Package file is the storage provider for a directory: a local disk, or a file share that the host has mounted.
//
// # Layout
//
//	<path>/
//	  <key>                        an object: one complete file
//	  .drydock-uploads/            everything that is not an object yet; never listed
//	    <token>/
//	      upload.json              key and chunk size
//	      data                     the object to be: chunk i lies at i × chunk size
//	      chunks                   which chunks have arrived: one 64-byte record for each, see record
//
// The data file becomes the object by a hard link, which fails when the name is taken and never shows half a file. File
// systems without hard links get a rename that does the same. When upload.json is there and data is not, the upload was
// committed: that is how a second Commit knows. Such remains are removed after a week.
//
// # What survives a crash
//
// PutChunk returns after the chunk's bytes and then its record were flushed to the disk, so the agent may delete its own
// copy. Each part of a chunk is flushed and read back while the next one is written, so that little is left to do at the
// end; through the page cache, write-back of each MiB starts as soon as it is written. Commit
// flushes file and directories on both sides of the link. ListChunks and Digest read the stored bytes again; on Linux
// Digest first drops them from the page cache, so that it is the disk that answers and not the memory.
//
// # What cannot happen
//
// Nothing outside path is read or written: keys are checked, and every access goes through os.Root, which does not
// follow a symbolic link that leads out. The directory itself is never created: behind a mount point whose mount is
// missing lies the root disk, and filling that would be worse than a failed backup.
package file
