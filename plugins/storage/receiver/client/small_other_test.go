//go:build !linux

package client_test

import "github.com/drydock-backup/drydock/sdk/storagetest"

func small(t storagetest.T, _ string) { t.Fatalf("a small file system can be made on Linux only") }
