package state

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	bolt "go.etcd.io/bbolt"
)

// check reads the whole file once, in a way that survives what it may meet.
func (s *Store) check() error {
	err := guarded(func() error {
		return s.db.View(func(tx *bolt.Tx) error {
			if info, err := os.Stat(s.path); err != nil {
				return err
			} else if info.Size() < tx.Size() {
				return fmt.Errorf("the file was cut off: %d bytes of %d", info.Size(), tx.Size())
			}
			if err := checkFormat(tx); err != nil {
				return err
			}
			return checkRuns(tx)
		})
	})
	if err == nil || errors.Is(err, ErrNewer) {
		return err
	}
	return &DamagedError{Path: s.path, Err: err}
}

func checkFormat(tx *bolt.Tx) error {
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil {
		return errors.New("it is not a drydock state file: no bucket meta")
	}
	version, err := strconv.Atoi(string(meta.Get([]byte(keyFormat))))
	switch {
	case err != nil || version < 1:
		return fmt.Errorf("format version %q", meta.Get([]byte(keyFormat)))
	case version > format:
		return fmt.Errorf("open state %q: format %d, this drydock knows up to %d: %w", tx.DB().Path(), version, format, ErrNewer)
	}
	for _, name := range []string{bucketOrder, bucketRuns} {
		if tx.Bucket([]byte(name)) == nil {
			return fmt.Errorf("no bucket %s", name)
		}
	}
	return nil
}

// guarded turns panics and memory faults of a damaged, mapped file into errors.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("its pages cannot be used: %s", strings.TrimSpace(fmt.Sprint(v)))
		}
	}()
	return f()
}

// checkRuns decodes every value of every run.
func checkRuns(tx *bolt.Tx) error {
	runs := tx.Bucket([]byte(bucketRuns))
	ids := map[string]bool{}
	err := runs.ForEach(func(id, v []byte) error {
		if v != nil {
			return fmt.Errorf("key %q among the runs", id)
		}
		ids[string(id)] = true
		if err := checkRun(runs.Bucket(id), string(id)); err != nil {
			return fmt.Errorf("run %q: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = tx.Bucket([]byte(bucketOrder)).ForEach(func(k, _ []byte) error {
		if id := orderID(k); !ids[id] {
			return fmt.Errorf("run %q is listed and not there", id)
		}
		delete(ids, orderID(k))
		return nil
	})
	for id := range ids {
		err = errors.Join(err, fmt.Errorf("run %q is not listed", id))
	}
	return err
}

func checkRun(b *bolt.Bucket, id string) error {
	r, err := decodeRun(b.Get([]byte(keyRun)))
	if err != nil {
		return err
	}
	if r.ID != id {
		return fmt.Errorf("it calls itself %q", r.ID)
	}
	return errors.Join(
		eachIn(b, bucketSteps, func(_, v []byte) error { return decode(v, &Step{}) }),
		eachIn(b, bucketChunks, func(k, v []byte) error { _, err := decodeChunk(k, v); return err }),
		eachIn(b, bucketTargets, func(label, v []byte) error {
			if v != nil {
				return fmt.Errorf("key %q among the targets", label)
			}
			return checkTarget(b.Bucket([]byte(bucketTargets)).Bucket(label))
		}),
	)
}

func checkTarget(b *bolt.Bucket) error {
	return errors.Join(
		decode(b.Get([]byte(keyTarget)), &Target{}),
		eachIn(b, bucketArrived, func(k, _ []byte) error { _, err := keyIndex(k); return err }),
	)
}

func eachIn(b *bolt.Bucket, name string, f func(k, v []byte) error) error {
	s, err := sub(b, name)
	if err != nil {
		return err
	}
	return s.ForEach(f)
}
