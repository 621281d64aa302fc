package ship_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// puts counts which chunks a storage is sent.
type puts struct {
	mu   sync.Mutex
	sent []int
}

func (p *puts) on(s dirStore) faulty {
	return faulty{Storage: s, before: func(_ context.Context, op string, i int) error {
		if op == "put" {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.sent = append(p.sent, i)
		}
		return nil
	}}
}

func (p *puts) sorted() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(slices.Values(p.sent))
}

// interrupted is an upload of the artifact's first n chunks that a process left behind.
func (a *artifact) interrupted(t *testing.T, s dirStore, n int) (token string) {
	t.Helper()
	first := *a
	first.chunks = a.chunks[:n]
	_, results := first.shipAll(t, quick(), target("nas", s))
	if results[0].Err != nil {
		t.Fatal(results[0].Err)
	}
	return results[0].Token
}

// R5.1, R5.2, R5.3, R5.4: what arrived is compared by digest, and only the rest is sent.
func TestResume(t *testing.T) {
	noLeaks(t)
	cases := map[string]struct {
		spoil func(t *testing.T, s dirStore, token string)
		want  []int // chunks that are sent
	}{
		"from the last chunk that arrived": {spoil: func(*testing.T, dirStore, string) {}, want: []int{4, 5, 6}},
		"a chunk was lost": {spoil: func(t *testing.T, s dirStore, token string) {
			must(t, os.Remove(s.chunk(token, 2)))
		}, want: []int{2, 4, 5, 6}},
		"a chunk was damaged": {spoil: func(t *testing.T, s dirStore, token string) {
			must(t, os.WriteFile(s.chunk(token, 0), noise(chunkSize-1), 0o600))
		}, want: []int{0, 4, 5, 6}},
		"a chunk was cut off": {spoil: func(t *testing.T, s dirStore, token string) {
			must(t, os.Truncate(s.chunk(token, 3), 5))
		}, want: []int{3, 4, 5, 6}},
		"the upload is gone": {spoil: func(t *testing.T, s dirStore, token string) {
			must(t, os.RemoveAll(s.upload(token)))
		}, want: upTo(7)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a, nas := capture(t, 6*chunkSize+1), newDirStore(t)
			token := a.interrupted(t, nas, 4)
			tc.spoil(t, nas, token)
			var p puts
			to := target("nas", p.on(nas))
			to.Token = token
			o := quick()
			o.Size = int64(len(a.data))
			_, results := a.shipAll(t, o, to)
			if r := results[0]; r.Err != nil || r.Bytes != int64(len(a.data)) {
				t.Fatalf("%+v", r)
			}
			if d := cmp.Diff(tc.want, p.sorted()); d != "" {
				t.Error(d)
			}
			must(t, a.commit(t, to, results[0].Token))
			a.stored(t, nas)
		})
	}
}

func must(t interface {
	Helper()
	Fatal(...any)
}, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A chunk that the target lost after it was released from the spool cannot be had any more: that is said, and quickly.
func TestResumeWithoutTheChunk(t *testing.T) {
	noLeaks(t)
	a, nas := capture(t, 3*chunkSize), newDirStore(t)
	token := a.interrupted(t, nas, 3)
	must(t, os.Remove(nas.chunk(token, 1)))
	must(t, a.spool.Remove(1))
	to := target("nas", nas)
	to.Token = token
	_, results := a.shipAll(t, quick(), to)
	if !errs.Is(results[0].Err, errs.NotFound) {
		t.Errorf("%v", results[0].Err)
	}
	says(t, results[0].Err, "ship "+chunkName(1), "the target lacks this chunk", "no longer in the spool")
}

// The agent died between the commit and its record: nothing is sent again, and the object proves itself.
func TestResumeOfACommittedUpload(t *testing.T) {
	noLeaks(t)
	for name, forget := range map[string]bool{"the target knows the upload": false, "the target forgot it": true} {
		t.Run(name, func(t *testing.T) {
			a, nas := capture(t, 3*chunkSize), newDirStore(t)
			token := a.interrupted(t, nas, 3)
			must(t, a.commit(t, target("nas", nas), token))
			if forget {
				must(t, os.RemoveAll(nas.upload(token)))
			}
			must(t, a.spool.Destroy())
			var p puts
			to := target("nas", p.on(nas))
			to.Token = token
			s, results := a.shipAll(t, quick(), to)
			if results[0].Err != nil || len(p.sorted()) != 0 {
				t.Fatalf("%v, sent %v", results[0].Err, p.sorted())
			}
			must(t, a.commit(t, to, results[0].Token))
			must(t, s.Abort(t.Context())) // must not drop an object that it did not make
			a.stored(t, nas)
		})
	}
}

// R8.4: an object whose bytes differ is not a backup, and does not stay to look like one.
func TestCommitReadsBack(t *testing.T) {
	noLeaks(t)
	cases := map[string]struct {
		spoil func(t *testing.T, path string, a *artifact)
		want  []string
	}{
		"other bytes": {func(t *testing.T, path string, a *artifact) {
			bad := slices.Clone(a.data)
			bad[2*chunkSize] ^= 1
			bad[4*chunkSize+3] ^= 1
			must(t, os.WriteFile(path, bad, 0o600))
		}, []string{"chunk 2, 4:", "SHA-256 differs"}},
		"cut off": {func(t *testing.T, path string, _ *artifact) { must(t, os.Truncate(path, 10)) }, []string{"10 bytes"}},
		"longer":  {func(t *testing.T, path string, _ *artifact) { must(t, os.Truncate(path, 5002)) }, []string{"5002 bytes"}},
		"all bad": {func(t *testing.T, path string, _ *artifact) {
			must(t, os.WriteFile(path, make([]byte, 5001), 0o600))
		}, []string{"chunk 0, 1, 2, 3, 4, 5:"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			a, nas := capture(t, 5*chunkSize+1), newDirStore(t)
			to := target("nas", faulty{Storage: nas, after: func(_ context.Context, op string, _ int) error {
				if op == "commit" {
					path := nas.object(key)
					must(t, os.Remove(path)) // the link to the upload's own file
					must(t, os.WriteFile(path, a.data, 0o600))
					tc.spoil(t, path, a)
				}
				return nil
			}})
			_, results := a.shipAll(t, quick(), to)
			err := a.commit(t, to, results[0].Token)
			if !errs.Is(err, errs.Corrupt) {
				t.Fatalf("%v", err)
			}
			says(t, err, append(tc.want, `target "nas"`, key)...)
			missing(t, nas)
		})
	}
}

func TestCommitThatCannotSucceed(t *testing.T) {
	noLeaks(t)
	t.Run("the key was taken meanwhile", func(t *testing.T) {
		a, nas := capture(t, 3*chunkSize), newDirStore(t)
		token := a.interrupted(t, nas, 3)
		must(t, os.WriteFile(nas.object(key), []byte("theirs"), 0o600))
		if err := a.commit(t, target("nas", nas), token); !errs.Is(err, errs.Exists) {
			t.Errorf("%v", err)
		}
		untouched(t, nas, key, "theirs")
	})
	t.Run("upload gone, key taken", func(t *testing.T) {
		a, nas := capture(t, 3*chunkSize), newDirStore(t)
		token := a.interrupted(t, nas, 3)
		must(t, nas.Abort(t.Context(), token))
		must(t, os.WriteFile(nas.object(key), []byte("theirs"), 0o600))
		if err := a.commit(t, target("nas", nas), token); !errs.Is(err, errs.Exists) {
			t.Errorf("%v", err)
		}
		untouched(t, nas, key, "theirs")
	})
	t.Run("upload gone", func(t *testing.T) {
		a, nas := capture(t, 3*chunkSize), newDirStore(t)
		if err := a.commit(t, target("nas", nas), "nonsense"); !errs.Is(err, errs.NotFound) {
			t.Errorf("%v", err)
		}
	})
	t.Run("chunks do not add up", func(t *testing.T) {
		a, nas := capture(t, 3*chunkSize), newDirStore(t)
		token := a.interrupted(t, nas, 3)
		for _, chunks := range [][]int{{0, 1}, {0, 2, 1}} {
			b := *a
			b.chunks = nil
			for _, i := range chunks {
				b.chunks = append(b.chunks, a.chunks[i])
			}
			if err := b.commit(t, target("nas", nas), token); !errs.Is(err, errs.Invalid) {
				t.Errorf("%v", err)
			}
		}
		missing(t, nas)
	})
	t.Run("damaged and cannot be deleted", func(t *testing.T) {
		a, nas := capture(t, 3*chunkSize), newDirStore(t)
		token := a.interrupted(t, nas, 3)
		to := target("nas", undeletable{faulty{Storage: nas, after: func(_ context.Context, op string, _ int) error {
			if op == "commit" {
				return os.Truncate(nas.object(key), 1)
			}
			return nil
		}}})
		err := a.commit(t, to, token)
		if !errs.Is(err, errs.Corrupt) {
			t.Errorf("%v", err)
		}
		says(t, err, "could not be deleted", "worm", "1 bytes")
	})
}

// undeletable is a storage that keeps everything.
type undeletable struct{ faulty }

func (undeletable) Delete(context.Context, string) error { return errs.New(errs.Permission, "worm") }

func untouched(t *testing.T, s dirStore, key, want string) {
	t.Helper()
	if got, err := os.ReadFile(s.object(key)); err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
}

// A storage that digests next to the bytes is asked to.
type digesting struct {
	faulty
	unsupported bool
	calls       *puts
}

func (d digesting) Digest(ctx context.Context, key string, offset, length int64) (sum [32]byte, err error) {
	d.calls.mu.Lock()
	d.calls.sent = append(d.calls.sent, int(offset/chunkSize))
	d.calls.mu.Unlock()
	if d.unsupported {
		return sum, errs.New(errs.Unsupported, "not here")
	}
	h := digest{}
	err = d.Storage.ReadRange(ctx, key, offset, length, &h)
	return h.sum(), err
}

func TestVerifyUsesTheStoragesDigest(t *testing.T) {
	noLeaks(t)
	for _, unsupported := range []bool{false, true} {
		a, nas := capture(t, 3*chunkSize), newDirStore(t)
		must(t, a.commit(t, target("nas", nas), a.interrupted(t, nas, 3)))
		reads := 0
		count := func(_ context.Context, op string, _ int) error {
			if op == "read" {
				reads++
			}
			return nil
		}
		d := digesting{faulty: faulty{Storage: nas, before: count}, unsupported: unsupported, calls: &puts{}}
		o := quick()
		o.Workers = 1
		must(t, ship.Verify(t.Context(), target("nas", d), key, a.chunks, o))
		if want := map[bool]int{false: 0, true: 3}[unsupported]; reads != want || len(d.calls.sorted()) != 3 {
			t.Errorf("unsupported %t: %d reads, digests of %v", unsupported, reads, d.calls.sorted())
		}
	}
}

func TestPutSmall(t *testing.T) {
	noLeaks(t)
	nas, scratch := newDirStore(t), t.TempDir()
	put := func(to ship.Target, text string) error {
		return ship.PutSmall(t.Context(), to, "a/manifest", []byte(text), scratch, quick())
	}
	for range 2 { // again, as after a crash
		must(t, put(target("nas", nas), "hello"))
	}
	if err := put(target("nas", nas), "other"); !errs.Is(err, errs.Exists) {
		t.Errorf("other bytes: %v", err)
	}
	if err := put(target("nas", nas), ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("no bytes: %v", err)
	}
	untouched(t, nas, "a/manifest", "hello")
	t.Run("damaged at the target", func(t *testing.T) {
		nas := newDirStore(t)
		f := faulty{Storage: nas, after: func(_ context.Context, op string, _ int) error {
			if op == "commit" {
				return os.WriteFile(nas.object("a/manifest"), []byte("hellO"), 0o600)
			}
			return nil
		}}
		err := put(target("nas", f), "hello")
		if !errs.Is(err, errs.Corrupt) {
			t.Errorf("%v", err)
		}
		if _, err := os.Stat(nas.object("a/manifest")); err == nil {
			t.Error("the damaged object stayed")
		}
	})
	t.Run("target full", func(t *testing.T) {
		nas := newDirStore(t)
		f := faulty{Storage: nas, before: func(_ context.Context, op string, _ int) error {
			if op == "put" {
				return errs.New(errs.NoSpace, "full")
			}
			return nil
		}}
		if err := put(target("nas", f), "hello"); !errs.Is(err, errs.NoSpace) {
			t.Errorf("%v", err)
		}
		empty(t, nas)
	})
	if left, err := filepath.Glob(filepath.Join(scratch, "*")); err != nil || len(left) > 0 {
		t.Errorf("scratch files left: %v %v", left, err)
	}
}
