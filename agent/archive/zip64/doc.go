// Package zip64 puts together and takes apart the headers of a Zip64 file (PKWARE APPNOTE 6.3.10).
//
// It does no input or output of its own beyond reading the end of a file, and it is canonical: one [Entry] has exactly
// one local header, one data descriptor and one central record. So a reader that knows what an entry should be builds
// the bytes again and compares them, and no altered bit in any header goes unnoticed.
//
//	local header | data | descriptor      for every entry, one after the other, no gaps
//	central record                        for every entry, in the same order
//	end64 | locator | end (with comment)  see [End]
//
// An entry is either streamed (bit 3: sizes and CRC follow the data in a Zip64 descriptor, because they are not known
// when its header is written) or known (they are in the local header; no descriptor).
package zip64
