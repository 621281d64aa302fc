// Package zstd is the default compressor: Zstandard (zip method 93, RFC 8878) through github.com/klauspost/compress.
//
// Each frame of the archive becomes one Zstandard frame that states its content size (unless it is below 256 bytes), so
// that a reader can start at any frame and knows how much memory it needs before it begins. There is no content checksum:
// the zip entry's CRC-32 and the SHA-256 of the manifest cover the same bytes, and leaving it out saves about 3 % of the
// time.
//
// # Numbers
//
// Single runs on one core with 4 MiB frames, on a MySQL 9.7 data directory: all of its 979 MB at level fastest, the first
// 600 MB at the others. The memory is an estimate: what the process had resident beyond its own buffers.
//
//	level    GiB/s  memory per frame in the works
//	fastest  0.53    about 3 MiB
//	default  0.21    about 6 MiB
//	better   0.12    about 9 MiB
//	best     0.01    about 37 MiB
//
// At level fastest, frames of 1 to 8 MiB took CPU times within 8 % of each other and gave ratios within 0.1 %. A window
// of 1 MiB gave the same ratio as one of 4 MiB; with 2 MiB frames on two cores it was as fast, and 1 to 2 % faster than
// 512 KiB; one of 128 KiB was a sixth slower. Blocks of 128 KiB instead of the library's 64 KiB saved 5 % of the time and
// made the result 0.6 % larger. Two encoders on two cores were 2 % faster than eight.
package zstd
