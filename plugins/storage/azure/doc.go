// Package azure is the storage provider for Azure Blob Storage.
//
// # How an upload lives in a container
//
// A chunk is one staged block of the blob that the object will be. Staged blocks are nobody's business but the upload's: they
// are not listed, cannot be read, and the service drops them a week after the last one arrived. Everything that has to be
// known of an upload stands in the ids of its blocks, so the service's own list of uncommitted blocks is the only state:
//
//	0  1   kind: 'b' the upload was begun, 'c' a chunk, 'a' the upload was aborted
//	1  16  the upload, as in its token
//	17 4   index of a chunk, big endian as all numbers
//	21 8   when it was sent, in nanoseconds since 1970: of two blocks for one chunk the younger counts
//	29 32  SHA-256 of a chunk; of a block 'b' the first 8 bytes are the chunk size
//	61 2   zero; an id has the same length for all blocks of a blob
//
// The service compares a CRC-64 of every block before it keeps it, so a block whose id names a digest holds these bytes.
// Commit makes a blob of the youngest blocks on the condition that no blob has its name, and writes the upload's number to the
// blob's metadata: that is how a second Commit knows its own blob.
//
// # How an upload is dropped
//
// The service has no call for it. A list of blocks without any is committed, which makes an empty blob and drops the blocks,
// and the blob is deleted at once. Its metadata says what it is, and nothing here shows such a blob. Where a blob could not be
// deleted again (immutable storage, no permission to delete) or somebody else has blocks under the same name, a block 'a' is
// staged instead: the upload counts as gone, and the service drops its blocks in a week.
package azure
