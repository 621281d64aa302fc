// Package archive writes and reads Data.zip: a data directory as one Zip64 file, with a manifest as its last entry.
//
//	Scan     what is there, how much, and everything that cannot be archived; while the server still runs
//	Write    the data directory into an io.Writer, as a stream, never seeking back
//	Open     finds the manifest of an artifact;  Reader.Files streams what it lists
//	Verify   reads every byte and compares it with the manifest
//	Restore  gives back bytes, modes, owners, times, holes and links
//
// A file is cut into frames, which [Frames] compresses in parallel. This is the way of a frame through Write:
//
//	feeder ── reads the file into a slot ──┬── compress ──┐
//	                                       └── hash ──────┴── writer, in order ── slot is free again
//
// There are only as many frames under way as Frames has slots, and they are the only large buffers: memory does not
// depend on the size or the number of files. What grows with their number (the list of files, the central directory)
// lies in scratch files. The format is described in docs/formats/data-zip.md.
package archive
