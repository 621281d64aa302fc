// Package plugins holds providers as third parties write them: each directory is a program of its own that knows nothing of
// drydock but the published SDK, or only the protocol. The tests here build and test them all.
//
//	python-notify   a notifier in Python that speaks the protocol without any SDK
//	sftp            a storage provider in Go, a module of its own
package plugins
