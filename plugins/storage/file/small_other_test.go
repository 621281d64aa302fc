//go:build !linux

package file_test

import "github.com/drydock-backup/drydock/sdk/storagetest"

// fullHook is nil: only Linux mounts a small file system for a test.
func fullHook() func(t storagetest.T) string { return nil }
