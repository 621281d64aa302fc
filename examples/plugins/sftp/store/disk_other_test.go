//go:build !linux

package store_test

import "github.com/drydock-backup/drydock/sdk/storagetest"

// fullHook returns none: only Linux makes a small disk of memory. The cases that need one are left out.
func fullHook() func(t storagetest.T) string { return nil }
