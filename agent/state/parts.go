package state

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/drydock-backup/drydock/agent/spool"
)

// chunkValue is the value of one chunk; its index is the key.
type chunkValue struct {
	Length int64  `json:"length"` // bytes
	SHA256 string `json:"sha256"` // hex
	Path   string `json:"path"`
}

func decodeChunk(key, data []byte) (spool.Chunk, error) {
	var v chunkValue
	index, err := keyIndex(key)
	if err != nil {
		return spool.Chunk{}, err
	}
	if err := decode(data, &v); err != nil {
		return spool.Chunk{}, err
	}
	c := spool.Chunk{Index: index, Length: v.Length, Path: v.Path}
	if n, err := hex.Decode(c.SHA256[:], []byte(v.SHA256[:min(len(v.SHA256), 64)])); err != nil || n != len(c.SHA256) ||
		len(v.SHA256) != 64 || v.Length <= 0 {
		return spool.Chunk{}, fmt.Errorf("decode chunk %d: length %d, digest %q", index, v.Length, v.SHA256)
	}
	return c, nil
}

// AddChunks records chunks of a run's artifact; a chunk that was recorded before is replaced.
func (s *Store) AddChunks(id string, chunks ...spool.Chunk) error {
	return s.update("record chunks", func(tx *bolt.Tx) error { return addChunks(tx, id, chunks) })
}

func addChunks(tx *bolt.Tx, id string, chunks []spool.Chunk) error {
	b, err := runSub(tx, id, bucketChunks)
	if err != nil {
		return err
	}
	for _, c := range chunks {
		v := chunkValue{Length: c.Length, SHA256: hex.EncodeToString(c.SHA256[:]), Path: c.Path}
		if err := put(b, string(indexKey(c.Index)), v); err != nil {
			return err
		}
	}
	return nil
}

// SetWhole records, in one transaction, that a run's artifact is complete: all of its chunks and what they make. Call
// it once what it says is true also after a power cut (spool.Spool.Sync).
func (s *Store) SetWhole(id string, a Artifact, chunks []spool.Chunk) error {
	return s.update("record artifact", func(tx *bolt.Tx) error {
		b, err := runBucket(tx, id)
		if err != nil {
			return err
		}
		r, err := decodeRun(b.Get([]byte(keyRun)))
		if err != nil {
			return err
		}
		a.Whole = true
		r.Artifact = &a
		return errors.Join(addChunks(tx, id, chunks), put(b, keyRun, r))
	})
}

// Chunks returns a run's recorded chunks by index.
func (s *Store) Chunks(id string) ([]spool.Chunk, error) {
	var all []spool.Chunk
	err := s.view("read chunks", func(tx *bolt.Tx) error {
		b, err := runSub(tx, id, bucketChunks)
		if err != nil {
			return err
		}
		return b.ForEach(func(k, v []byte) error {
			c, err := decodeChunk(k, v)
			all = append(all, c)
			return err
		})
	})
	return all, err
}

// SetTarget records how far a run has come at one target.
func (s *Store) SetTarget(id string, t Target) error {
	return s.UpdateTarget(id, t.Label, func(old *Target) error { *old = t; return nil })
}

// UpdateTarget changes the record of one target, a new one when there is none yet, in one transaction.
func (s *Store) UpdateTarget(id, label string, change func(*Target) error) error {
	return s.update(fmt.Sprintf("record target %q", label), func(tx *bolt.Tx) error {
		b, err := targetBucket(tx, id, label)
		if err != nil {
			return err
		}
		t := Target{Label: label}
		if data := b.Get([]byte(keyTarget)); data != nil {
			if err := decode(data, &t); err != nil {
				return err
			}
		}
		if err := change(&t); err != nil {
			return err
		}
		t.Label, t.Updated = label, time.Now().UTC()
		return put(b, keyTarget, t)
	})
}

// targetBucket returns the bucket of a target, and makes it when there is none.
func targetBucket(tx *bolt.Tx, id, label string) (*bolt.Bucket, error) {
	targets, err := runSub(tx, id, bucketTargets)
	if err != nil {
		return nil, err
	}
	if b := targets.Bucket([]byte(label)); b != nil {
		return b, nil
	}
	b, err := targets.CreateBucket([]byte(label))
	if err != nil {
		return nil, err
	}
	if _, err := b.CreateBucket([]byte(bucketArrived)); err != nil {
		return nil, err
	}
	return b, put(b, keyTarget, Target{Label: label})
}

// Targets returns the recorded targets of a run, by label.
func (s *Store) Targets(id string) ([]Target, error) {
	var all []Target
	err := s.view("read targets", func(tx *bolt.Tx) error {
		b, err := runSub(tx, id, bucketTargets)
		if err != nil {
			return err
		}
		return b.ForEachBucket(func(label []byte) error {
			var t Target
			err := decode(b.Bucket(label).Get([]byte(keyTarget)), &t)
			all = append(all, t)
			return err
		})
	})
	return all, err
}

// AddArrived records chunks that a target has confirmed.
func (s *Store) AddArrived(id, label string, indices []int) error {
	return s.update(fmt.Sprintf("record chunks at target %q", label), func(tx *bolt.Tx) error {
		b, err := targetBucket(tx, id, label)
		if err != nil {
			return err
		}
		if b, err = sub(b, bucketArrived); err != nil {
			return err
		}
		for _, i := range indices {
			if err := b.Put(indexKey(i), nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// Arrived returns the indices of the chunks that a target has confirmed, in order. It is for people: what a target
// really holds, the target must be asked.
func (s *Store) Arrived(id, label string) ([]int, error) {
	var all []int
	err := s.view("read arrived chunks", func(tx *bolt.Tx) error {
		targets, err := runSub(tx, id, bucketTargets)
		if err != nil {
			return err
		}
		b, err := sub(targets, label)
		if err != nil {
			return fmt.Errorf("target %q: %w", label, ErrNotFound)
		}
		if b, err = sub(b, bucketArrived); err != nil {
			return err
		}
		return b.ForEach(func(k, _ []byte) error {
			i, err := keyIndex(k)
			all = append(all, i)
			return err
		})
	})
	return all, err
}

// RunJournal writes the checkpoints of one run. It is the journal of the run's steps and of its shipment.
type RunJournal struct {
	s  *Store
	id string
}

// Journal returns the journal of a run.
func (s *Store) Journal(id string) *RunJournal { return &RunJournal{s: s, id: id} }

// StepBegun records that a step was begun; when it was done before, that counts no more.
func (j *RunJournal) StepBegun(_ context.Context, step string) error {
	return j.step(step, func(c *Step) { c.Begun, c.Done = time.Now().UTC(), time.Time{} })
}

// StepDone records that a step has done its work.
func (j *RunJournal) StepDone(_ context.Context, step string) error {
	return j.step(step, func(c *Step) { c.Done = time.Now().UTC() })
}

func (j *RunJournal) step(name string, change func(*Step)) error {
	return j.s.update("record step "+name, func(tx *bolt.Tx) error {
		b, err := runSub(tx, j.id, bucketSteps)
		if err != nil {
			return err
		}
		c := Step{Name: name}
		if data := b.Get([]byte(name)); data != nil {
			if err := decode(data, &c); err != nil {
				return err
			}
		}
		change(&c)
		return put(b, name, c)
	})
}

// UploadBegun records the token of an upload.
func (j *RunJournal) UploadBegun(label, token string) error {
	return j.s.UpdateTarget(j.id, label, func(t *Target) error { t.Token = token; return nil })
}

// ChunksArrived records chunks that a target has confirmed.
func (j *RunJournal) ChunksArrived(label string, indices []int) error {
	return j.s.AddArrived(j.id, label, indices)
}

// Steps returns the checkpoints of a run in the order in which they were begun.
func (s *Store) Steps(id string) ([]Step, error) {
	var all []Step
	err := s.view("read steps", func(tx *bolt.Tx) error {
		b, err := runSub(tx, id, bucketSteps)
		if err != nil {
			return err
		}
		return b.ForEach(func(_, v []byte) error {
			var c Step
			err := decode(v, &c)
			all = append(all, c)
			return err
		})
	})
	slices.SortStableFunc(all, func(a, b Step) int { return a.Begun.Compare(b.Begun) })
	return all, err
}
