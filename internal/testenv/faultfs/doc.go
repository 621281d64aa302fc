// Package faultfs is a file system for tests of what a host does when its disk fails or its power goes.
//
// [Mount] mounts it with FUSE over an ordinary directory, so real programs work on it: files are mapped, locked and read past
// the page cache as on any disk. It takes root. Two things can be done with it:
//
//   - [Disk.Inject] has operations fail with an errno of the test's choice: ENOSPC, EIO, EACCES.
//   - [Disk.Journal] is everything that was ever done to it, in order. [Replay] goes through it again and makes, at any
//     moment, what a disk may hold when the power goes right then: see [State].
//
// What survives a cut is what POSIX promises and no more: the bytes of a file as of its last fsync, and the names in a
// directory as of the last fsync of that directory. File systems keep more than that on most days; [Loose] picks, at
// random, which of the later writes and names made it, and tears writes apart.
package faultfs
