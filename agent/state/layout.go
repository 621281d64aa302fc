package state

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	bolt "go.etcd.io/bbolt"
)

const format = 1 // version of the layout in doc.go

// Names of buckets and keys, as in doc.go.
const (
	bucketMeta    = "meta"
	bucketOrder   = "order"
	bucketRuns    = "runs"
	bucketSteps   = "steps"
	bucketChunks  = "chunks"
	bucketTargets = "targets"
	bucketArrived = "arrived"

	keyFormat = "format"
	keyRun    = "run"
	keyTarget = "target"
)

// encode makes a value. It can fail for raw JSON that is none.
func encode(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return data, nil
}

// decode reads a value, strictly: a field that this version does not know means damage, as the format's number is the same.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode %T: %w", v, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("decode %T: more than one value", v)
	}
	return nil
}

func put(b *bolt.Bucket, key string, v any) error {
	data, err := encode(v)
	if err != nil {
		return err
	}
	return b.Put([]byte(key), data)
}

func indexKey(i int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(i)) }

func keyIndex(key []byte) (int, error) {
	if len(key) != 4 {
		return 0, fmt.Errorf("index key of %d bytes", len(key))
	}
	return int(binary.BigEndian.Uint32(key)), nil
}

// orderKey sorts runs by the time of their start.
func orderKey(r Run) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(r.Started.UnixNano())), r.ID...)
}

func orderID(key []byte) string { return string(key[min(8, len(key)):]) }

// runBucket returns the bucket of a run, or ErrNotFound.
func runBucket(tx *bolt.Tx, id string) (*bolt.Bucket, error) {
	if b := tx.Bucket([]byte(bucketRuns)).Bucket([]byte(id)); b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("run %q: %w", id, ErrNotFound)
}

// sub returns a bucket within b; every run has all of its buckets from the start.
func sub(b *bolt.Bucket, name string) (*bolt.Bucket, error) {
	if s := b.Bucket([]byte(name)); s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("no bucket %s", name)
}

// runSub returns a bucket within that of a run.
func runSub(tx *bolt.Tx, id, name string) (*bolt.Bucket, error) {
	b, err := runBucket(tx, id)
	if err != nil {
		return nil, err
	}
	return sub(b, name)
}

// view and update run one transaction and say what it was for. The file is mapped into memory, so a disk that fails
// shows as a fault: it becomes an error as well.
func (s *Store) view(op string, f func(tx *bolt.Tx) error) error {
	if err := guarded(func() error { return s.db.View(f) }); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

func (s *Store) update(op string, f func(tx *bolt.Tx) error) error {
	if err := guarded(func() error { return s.db.Update(f) }); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}
