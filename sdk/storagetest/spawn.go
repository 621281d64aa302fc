package storagetest

import (
	"errors"
	"io"
	"sync"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// What the process is used with when its cost is measured, in bytes.
const (
	useSize  = 5<<20 + 1
	useChunk = 1 << 20
)

// Spawned returns a subject that runs each handle in a process of its own, and so can kill it, with the cases that concern
// the process. config makes the provider's configuration for a place. The caller adds the hooks that it has.
func Spawned(binary func(t T) conformance.Binary, config func(place string) map[string]any) Subject {
	var processes sync.Map // storage.Storage to *host.Process
	return Subject{
		Process: &conformance.Provider{Binary: binary},
		config:  config,
		Open: func(t T, place string) storage.Storage {
			p := conformance.Start(t, binary(t), config(place))
			s, err := p.Storage()
			if err != nil {
				t.Fatalf("storage of the provider: %v", err)
			}
			processes.Store(s, p)
			return s
		},
		Kill: func(t T, s storage.Storage) {
			p, ok := processes.Load(s)
			if !ok {
				t.Fatalf("kill a provider that was not started here")
			}
			conformance.Kill(t, p.(*host.Process))
		},
	}
}

// process returns the cases of the provider's process.
func (s Subject) process() []conformance.Case {
	if s.Process == nil {
		return nil
	}
	p := *s.Process
	if p.Config == nil && s.config != nil {
		p.Config = func(t T) map[string]any {
			if s.Place == nil {
				return s.config("")
			}
			return s.config(s.Place(t))
		}
	}
	if p.Use == nil {
		p.Use = use
	}
	return conformance.Cases(p)
}

// use takes one object in and out.
func use(t T, p *host.Process) error {
	s, err := p.Storage()
	if err != nil {
		return err
	}
	e := &env{T: t, Storage: s, s: Subject{ChunkSize: useChunk}, prefix: newPrefix()}
	o := e.object("object", useSize)
	token, err := s.Begin(t.Context(), storage.Upload{Key: o.key, ChunkSize: useChunk})
	if err != nil {
		return err
	}
	for _, c := range o.chunks {
		err = errors.Join(err, s.PutChunk(t.Context(), token, c))
	}
	err = errors.Join(err, s.Commit(t.Context(), token, useSize), s.ReadRange(t.Context(), o.key, 0, useSize, io.Discard))
	return errors.Join(err, s.Delete(t.Context(), o.key), s.Abort(t.Context(), token))
}
