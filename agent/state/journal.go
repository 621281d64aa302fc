package state

import (
	"context"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/drydock-backup/drydock/agent/fault"
)

// RunJournal writes the checkpoints of one run. It is the journal of the run's steps and of its shipment.
type RunJournal struct {
	s  *Store
	id string
}

// Journal returns the journal of a run.
func (s *Store) Journal(id string) *RunJournal { return &RunJournal{s: s, id: id} }

// StepBegun records that a step was begun; when it was done before, that counts no more.
func (j *RunJournal) StepBegun(_ context.Context, step string) error {
	return fault.AroundStep(step, "begun", func() error {
		return j.step(step, func(c *Step) { c.Begun, c.Done = time.Now().UTC(), time.Time{} })
	})
}

// StepDone records that a step has done its work.
func (j *RunJournal) StepDone(_ context.Context, step string) error {
	return fault.AroundStep(step, "done", func() error {
		return j.step(step, func(c *Step) { c.Done = time.Now().UTC() })
	})
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
	return fault.Around("record.upload", func() error {
		return j.s.UpdateTarget(j.id, label, func(t *Target) error { t.Token = token; return nil })
	})
}

// ChunksArrived records chunks that a target has confirmed.
func (j *RunJournal) ChunksArrived(label string, indices []int) error {
	return fault.Around("record.arrived", func() error { return j.s.AddArrived(j.id, label, indices) })
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
