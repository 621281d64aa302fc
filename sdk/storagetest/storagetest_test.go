package storagetest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

// places keeps the stores of a test by the names of their places.
type places struct {
	mu     sync.Mutex
	stores map[string]*memory
	broken string
}

func (p *places) make(room int64) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := fmt.Sprint(len(p.stores))
	p.stores[name] = newMemory(p.broken)
	p.stores[name].room = room
	return name
}

func (p *places) open(name string) *memory {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stores[name]
}

// subject is a store in memory that keeps every promise but one. Killing it loses an acknowledged chunk if that is it.
func subject(broken string) storagetest.Subject {
	p := &places{stores: map[string]*memory{}, broken: broken}
	return storagetest.Subject{
		Place: func(storagetest.T) string { return p.make(1 << 40) },
		Full:  func(storagetest.T) string { return p.make(4 << 20) },
		Open:  func(_ storagetest.T, place string) storage.Storage { return p.open(place) },
		Kill: func(_ storagetest.T, s storage.Storage) {
			m := s.(*memory)
			m.mu.Lock()
			defer m.mu.Unlock()
			for _, u := range m.uploads {
				if m.breaks("resume-after-kill") {
					u.chunks = map[int][]byte{0: []byte("torn")}
				}
			}
		},
		Tamper: func(_ storagetest.T, place, key string) { flip(p.open(place).objects[key].data) },
		TamperUpload: func(_ storagetest.T, place, token string) {
			flip(p.open(place).uploads[token].chunks[0])
		},
		ChunkSize: 1024, Objects: 50,
	}
}

func flip(data []byte) { data[0] ^= 1 }

func TestGoodStorePasses(t *testing.T) { storagetest.Run(t, subject("")) }

// TestBrokenStoresFail breaks one promise at a time; the case that guards it must notice.
func TestBrokenStoresFail(t *testing.T) {
	for _, c := range storagetest.Cases(subject("")) {
		t.Run(c.Name, func(t *testing.T) {
			for _, broken := range storagetest.Cases(subject(c.Name)) {
				if broken.Name != c.Name {
					continue
				}
				if r := conformance.Run(t.Context(), broken, time.Minute); r.Passed {
					t.Errorf("the case passes a store that breaks the promise: %s", c.Doc)
				}
			}
		})
	}
}

func TestCasesWithoutTheirHookAreNamed(t *testing.T) {
	s := subject("")
	all := len(storagetest.Cases(s))
	s.Kill, s.Tamper, s.TamperUpload, s.Full = nil, nil, nil, nil
	left, missing := len(storagetest.Cases(s)), len(storagetest.Missing(s))
	if all < 25 || missing != 4 || left+missing != all {
		t.Errorf("%d cases, %d without hooks, %d missing; want at least 25 and 4 missing", all, left, missing)
	}
}
