//go:build !linux && !darwin && !windows

package file

import (
	"os"
	"syscall"

	"github.com/drydock-backup/drydock/sdk/storage"
)

const dirSync = true

func full() []error { return []error{syscall.ENOSPC, syscall.EDQUOT} }

func rename(root *os.Root, from, to string) error { return renameChecked(root, from, to) }

func capacity(*os.Root) (storage.Capacity, error) { return storage.Capacity{Free: -1, Total: -1}, nil }
