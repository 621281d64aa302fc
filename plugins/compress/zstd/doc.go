// Package zstd is the default compressor: Zstandard (zip method 93, RFC 8878) through github.com/klauspost/compress.
//
// Each frame of the archive becomes one Zstandard frame that states its content size, so that a reader can start at any
// frame and knows how much memory it needs before it begins. There is no content checksum: the zip entry's CRC-32 and
// the SHA-256 of the manifest cover the same bytes, and leaving it out saves 3 % of the time.
//
// # Numbers
//
// Measured on a MySQL 9.7 data directory of 1 GB, one core, 4 MiB frames:
//
//	level    GiB/s  memory per frame in the works
//	fastest  0.53    1.5 MiB
//	default  0.21    6 MiB
//	better   0.12    9 MiB
//	best     0.01   37 MiB
//
// The frame size (1 to 8 MiB) changes speed and ratio by less than 4 %. At level fastest a window of 512 KiB gives the
// same ratio as one of 4 MiB, because an InnoDB page resembles its neighbours, and needs a seventh of the memory.
package zstd
