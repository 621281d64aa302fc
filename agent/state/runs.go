package state

import (
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// KeepRuns is how many finished runs a job remembers, unless the caller wants another number.
const KeepRuns = 1000

// CreateRun records a new run. A run of that id is ErrExists.
func (s *Store) CreateRun(r Run) error {
	return s.update("record run "+r.ID, func(tx *bolt.Tx) error {
		if r.ID == "" || r.Started.IsZero() || !r.Status.valid() {
			return fmt.Errorf("id %q, status %q, started %s", r.ID, r.Status, r.Started)
		}
		runs := tx.Bucket([]byte(bucketRuns))
		if runs.Bucket([]byte(r.ID)) != nil {
			return ErrExists
		}
		b, err := runs.CreateBucket([]byte(r.ID))
		if err != nil {
			return err
		}
		for _, name := range []string{bucketSteps, bucketChunks, bucketTargets} {
			if _, err := b.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		if err := tx.Bucket([]byte(bucketOrder)).Put(orderKey(r), nil); err != nil {
			return err
		}
		return put(b, keyRun, r)
	})
}

// UpdateRun changes a run's record in one transaction. Id and start cannot change. An error of change changes nothing
// and is returned; change must not use the store. With the change to a final status the run's chunks and arrivals are
// forgotten, and after success its tokens.
func (s *Store) UpdateRun(id string, change func(*Run) error) error {
	return s.update("record run "+id, func(tx *bolt.Tx) error {
		b, err := runBucket(tx, id)
		if err != nil {
			return err
		}
		old, err := decodeRun(b.Get([]byte(keyRun)))
		if err != nil {
			return err
		}
		r := old
		if err := change(&r); err != nil {
			return err
		}
		if r.ID != old.ID || !r.Started.Equal(old.Started) || !r.Status.valid() {
			return fmt.Errorf("id %q, status %q, started %s", r.ID, r.Status, r.Started)
		}
		if r.Status.Finished() && !old.Status.Finished() {
			if err := forget(b, r.Status); err != nil {
				return err
			}
		}
		return put(b, keyRun, r)
	})
}

// forget drops what only an unfinished run needs: chunks, arrivals and, after success, the uploads' tokens (R5.5). So
// the file stays small and quick to check, however large the artifacts are.
func forget(run *bolt.Bucket, status Status) error {
	if err := renew(run, bucketChunks); err != nil {
		return err
	}
	targets, err := sub(run, bucketTargets)
	if err != nil {
		return err
	}
	return targets.ForEachBucket(func(label []byte) error {
		b := targets.Bucket(label)
		if err := renew(b, bucketArrived); err != nil || status != Done {
			return err
		}
		var t Target
		if err := decode(b.Get([]byte(keyTarget)), &t); err != nil {
			return err
		}
		t.Token = ""
		return put(b, keyTarget, t)
	})
}

// renew empties a bucket.
func renew(b *bolt.Bucket, name string) error {
	if err := b.DeleteBucket([]byte(name)); err != nil {
		return err
	}
	_, err := b.CreateBucket([]byte(name))
	return err
}

// FinishRun records the end of a run: a final status, when, and why it failed ("" when it did not).
// See UpdateRun for what is forgotten.
func (s *Store) FinishRun(id string, status Status, at time.Time, failure string) error {
	return s.UpdateRun(id, func(r *Run) error {
		r.Status, r.Finished, r.Failure = status, at.UTC(), failure
		return nil
	})
}

// Run returns one run, or ErrNotFound.
func (s *Store) Run(id string) (r Run, err error) {
	err = s.view("read run", func(tx *bolt.Tx) error {
		r, err = readRun(tx, id)
		return err
	})
	return r, err
}

func readRun(tx *bolt.Tx, id string) (Run, error) {
	b, err := runBucket(tx, id)
	if err != nil {
		return Run{}, err
	}
	return decodeRun(b.Get([]byte(keyRun)))
}

func decodeRun(data []byte) (Run, error) {
	var r Run
	if err := decode(data, &r); err != nil {
		return Run{}, err
	}
	if r.ID == "" || !r.Status.valid() {
		return Run{}, fmt.Errorf("decode run %q: status %q", r.ID, r.Status)
	}
	return r, nil
}

// Unfinished returns the runs that are running or waiting, the oldest first. When this process has just opened the
// store, those are runs whose process died, or that wait to be resumed.
func (s *Store) Unfinished() ([]Run, error) {
	var all []Run
	err := s.view("list unfinished runs", func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucketOrder)).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			r, err := readRun(tx, orderID(k))
			if err != nil {
				return err
			}
			if !r.Status.Finished() {
				all = append(all, r)
			}
		}
		return nil
	})
	return all, err
}

// Last returns the n runs that started last, the latest first.
func (s *Store) Last(n int) ([]Run, error) {
	var all []Run
	err := s.view("list runs", func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucketOrder)).Cursor()
		for k, _ := c.Last(); k != nil && len(all) < n; k, _ = c.Prev() {
			r, err := readRun(tx, orderID(k))
			if err != nil {
				return err
			}
			all = append(all, r)
		}
		return nil
	})
	return all, err
}

// Prune forgets finished runs beyond the latest keep ones, with all that is recorded under them, and returns how many.
// Unfinished runs stay, however old, and so do runs whose server has not been brought back.
func (s *Store) Prune(keep int) (int, error) {
	n := 0
	err := s.update("prune runs", func(tx *bolt.Tx) error {
		var drop []Run
		c := tx.Bucket([]byte(bucketOrder)).Cursor()
		for k, _ := c.Last(); k != nil; k, _ = c.Prev() {
			r, err := readRun(tx, orderID(k))
			if err != nil {
				return err
			}
			if !r.Status.Finished() || r.Intent.Pending() {
				continue
			}
			if keep--; keep < 0 {
				drop = append(drop, r)
			}
		}
		for _, r := range drop {
			if err := deleteRun(tx, r); err != nil {
				return err
			}
		}
		n = len(drop)
		return nil
	})
	return n, err
}

func deleteRun(tx *bolt.Tx, r Run) error {
	if err := tx.Bucket([]byte(bucketOrder)).Delete(orderKey(r)); err != nil {
		return err
	}
	return tx.Bucket([]byte(bucketRuns)).DeleteBucket([]byte(r.ID))
}
