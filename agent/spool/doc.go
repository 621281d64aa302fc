// Package spool keeps the chunks of one artifact as files on the local disk until every target has them.
//
//	<spool_dir>/<run id>/        0700, one directory per run
//	    drydock-spool            marks the directory as one of ours; removed last
//	    00000000.chunk           0600, chunk 0, complete
//	    00000001.part            0600, the chunk that is being written
//
// A [Writer] cuts a stream into chunks. It digests on the way, so that no byte is read a second time, and hands every
// chunk on as soon as it is complete: shipping follows capture. Removing a chunk gives its room back to the writer, so
// an artifact that is larger than the spool still goes through as long as the targets keep up.
//
// # Durability
//
// Nothing is fsynced while an artifact is being captured. That is safe because nothing depends on it: an artifact that
// is not whole when the agent or the host dies is dropped, with its spool directory, and a target never trusts the
// spool but the digests that were computed in memory. Chunks have to survive only once the artifact is whole and
// something of it has yet to be shipped: that is the moment for [Spool.Sync], before the artifact is recorded as whole.
package spool
