package state

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

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
