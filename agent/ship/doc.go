// Package ship brings the chunks of one artifact from the spool to every target, while the artifact is still being
// written, and proves what arrived.
//
//	          Offer ──► chunks on disk ──► lane "nas"     begin ─► workers ─► PutChunk
//	capture                            └─► lane "offsite" begin ─► workers ─► PutChunk
//	          Finish ─► Wait ─► Commit (object visible, read back) ─► PutSmall (manifest: now it is a backup)
//
// Each target has a lane of its own: its own workers, its own place in the list of chunks, its own retries. A target
// that is slow or dead never holds up another one. The list holds names of files, not bytes, so Offer never waits and
// memory stays flat; the room on the disk is what bounds how far capture runs ahead (package spool).
//
// # Who decides what
//
// A target is never trusted for having said "stored" earlier: a resumed upload is compared, chunk by chunk, with the
// digests that were computed while the artifact was written, and so is the finished object, from bytes that were read
// back from the target. What the journal knows of arrived chunks is for people to look at.
//
// A target is waited for as long as it works, however slowly; AllAway tells when nothing gets through to any that still
// lacks something, so that nobody who has better things to do waits for it. Its lane goes on trying all the same.
//
// Calls are tried again here (see package retry); providers classify their errors with package errs.
package ship
