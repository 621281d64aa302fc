// Package durable makes directories and small files that a power cut does not take away again. A file's own fsync does
// not keep its name: that is an entry of the directory, which has to be synced as well, and so on for every directory
// that was made on the way.
package durable
