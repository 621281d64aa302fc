//go:build !linux

package file

import "os"

const directAlign = 4096

const readsFromDisk = false

func openDirect(*os.Root, string) *os.File { return nil }

func aligned(n int) []byte { return make([]byte, n) }

func reserve(*os.File, int64, int64) (bool, error) { return false, nil }
