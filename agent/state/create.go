package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/fault"
)

// create makes a new file under another name and links it into place, so that a crash leaves a file that is whole or
// none at all, and so that of two processes one wins.
func create(path string) error {
	_, err := os.Lstat(path)
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open state: %w", err)
	}
	dir := filepath.Dir(path)
	if err := durable.MkdirAll(dir, dirMode); err != nil {
		return fmt.Errorf("create state: %w", err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*")
	if err != nil {
		return fmt.Errorf("create state: %w", err)
	}
	temp := f.Name()
	err = f.Close()
	if err == nil {
		err = initialise(temp)
	}
	if err == nil {
		err = fault.Around("state.link", func() error { return place(temp, path) })
	}
	if rmErr := os.Remove(temp); !errors.Is(rmErr, fs.ErrNotExist) {
		err = errors.Join(err, rmErr)
	}
	if err == nil {
		err = fault.Around("state.sync", func() error { return durable.SyncDir(dir) })
	}
	if err != nil {
		return fmt.Errorf("create state %q: %w", path, err)
	}
	return nil
}

// place gives the file its name without replacing another process's.
func place(temp, path string) error {
	err := os.Link(temp, path)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func initialise(path string) error {
	db, err := bolt.Open(path, fileMode, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range []string{bucketMeta, bucketOrder, bucketRuns} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFormat), []byte(strconv.Itoa(format)))
	})
	return errors.Join(err, db.Close())
}
