// Package job holds the plain types of a backup job: what a job file says once it has been read and checked.
//
// The package imports only the standard library. Package hcl decodes job files into these types; the steps of a run
// read them. Nothing here does I/O. All values are read-only after decoding and safe for concurrent use.
package job
