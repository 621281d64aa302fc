// Package install fetches the real servers and tools that drydock's tests and its demonstration use.
//
// A server comes as Debian packages that are unpacked into a prefix inside the cache directory and run with their own
// dynamic loader. Nothing is installed into the system, no service is started, no root is needed, and a server of
// another Debian suite than the machine's runs beside everything else. An initialised data directory (the template)
// is kept next to it, so that a test has a fresh server in about a second.
//
//	<cache>/mysql-9.7-r1-amd64/root       the unpacked packages
//	<cache>/mysql-9.7-r1-amd64/bin        wrappers that start a program with its own ld.so
//	<cache>/mysql-9.7-r1-amd64/template   an initialised data directory
//
// The S3 servers (Versity's gateway and MinIO) are built from Go's module proxy, which takes minutes, once:
//
//	<cache>/bin/minio-VERSION-amd64
//
// The tools (unzip, 7zip, systemd-container) are ordinary packages: apt installs them when the caller is root, otherwise
// the error names the command to type. Everything is idempotent, and safe when several processes do it at once.
package install
