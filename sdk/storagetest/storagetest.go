// Package storagetest is the conformance suite for storage providers: every promise of package storage as a named case.
//
//	func TestConformance(t *testing.T) {
//		storagetest.Run(t, storagetest.Subject{
//			Place: func(t storagetest.T) string { return t.TempDir() },
//			Open:  func(t storagetest.T, place string) storage.Storage { return open(t, place) },
//		})
//	}
//
// Each case works under a random prefix of keys, so that all of them can share one bucket. What only a test set-up can do
// (kill the provider, damage an object behind its back, offer a store that is almost full) is an optional hook of
// [Subject]; the cases that need a hook that is missing are left out, and [Missing] names them.
package storagetest

import (
	"testing"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// T is what a case needs of its runner; *testing.T is one.
type T = conformance.T

// Subject is the provider under test.
type Subject struct {
	// Open opens the store at a place. It is called several times for one place by cases that want a second handle. What
	// has to be undone, Open registers with t.Cleanup.
	Open func(t T, place string) storage.Storage

	// Place makes a new, empty place for one case: a directory, a bucket. nil means that all cases share the place "".
	Place func(t T) string

	// Kill ends the process behind s at once, as a crash would.
	Kill func(t T, s storage.Storage)

	// Tamper changes one byte of the stored object, behind the provider's back.
	Tamper func(t T, place, key string)

	// TamperUpload changes one byte of the first chunk that has arrived in an upload.
	TamperUpload func(t T, place, token string)

	// Full makes a place that holds about 4 MiB and no more.
	Full func(t T) string

	// ChunkSize is the chunk size in bytes for most cases, at least 1024; 0 means 64 KiB. Some stores ask for more.
	ChunkSize int64

	// Process is the provider's process, whose cases come first (see conformance.Cases); nil leaves them out. Spawned sets
	// it. Its Config may be nil, and then is made for a place of its own.
	Process *conformance.Provider

	// Objects is how many objects the case list-many makes: more than one page of the store's listing. 0 means 1100.
	Objects int

	config func(place string) map[string]any // of Spawned
}

// Run runs every case that s has the hooks for, as subtests.
func Run(t *testing.T, s Subject) {
	t.Helper()
	conformance.Test(t, Cases(s))
}

// Cases returns the cases that s has the hooks for.
func Cases(s Subject) []conformance.Case {
	if s.ChunkSize == 0 {
		s.ChunkSize = 64 << 10
	}
	if s.Objects == 0 {
		s.Objects = 1100
	}
	cases := s.process()
	for _, c := range list() {
		if !s.has(c.needs) {
			continue
		}
		cases = append(cases, conformance.Case{Name: c.name, Doc: c.doc, Needs: c.needs, Run: func(t T) {
			c.run(newEnv(t, s))
		}})
	}
	return cases
}

// Missing returns the cases that are left out for want of a hook.
func Missing(s Subject) []conformance.Case {
	var cases []conformance.Case
	for _, c := range list() {
		if !s.has(c.needs) {
			cases = append(cases, conformance.Case{Name: c.name, Doc: c.doc, Needs: c.needs})
		}
	}
	return cases
}

// The hooks that a case can need.
const (
	needsKill         = "kill"
	needsTamper       = "tamper"
	needsTamperUpload = "tamper-upload"
	needsFull         = "full"
)

func (s Subject) has(need string) bool {
	switch need {
	case needsKill:
		return s.Kill != nil
	case needsTamper:
		return s.Tamper != nil
	case needsTamperUpload:
		return s.TamperUpload != nil
	case needsFull:
		return s.Full != nil
	}
	return true
}

type testCase struct {
	name, doc, needs string
	run              func(e *env)
}

func list() []testCase {
	var all []testCase
	for _, part := range [][]testCase{sizes(), chunks(), uploads(), objects(), holds(), listings(), keys(), ends()} {
		all = append(all, part...)
	}
	return all
}
