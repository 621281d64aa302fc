package storagetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func ends() []testCase {
	return []testCase{
		{"second-handle", "an upload goes on through another handle of the same place (R5.2)", "", secondHandle},
		{"resume-after-kill", "an upload goes on after the provider was killed, and lists only true chunks (R5.2, R5.4)",
			needsKill, resumeAfterKill},
		{"cancelled-before", "a call whose context has ended is refused", "", cancelledBefore},
		{"cancel-put", "a put that is cancelled returns within two seconds and keeps nothing (R9.5)", "", cancelPut},
		{"check", "a check tells the space and leaves nothing behind", "", check},
		{"full", "a store that is full says so, keeps nothing half-written, and works again when there is room", needsFull, full},
	}
}

func secondHandle(e *env) {
	o := e.object("object", 3*e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, o.chunks[0], o.chunks[2])
	e.Storage = e.s.Open(e.T, e.place)
	e.arrivedAre(token, o.chunks[0], o.chunks[2])
	e.put(token, o.chunks[1])
	e.commit(token, len(o.data))
	e.holds(o)
}

func resumeAfterKill(e *env) {
	o := e.object("object", 60*e.s.ChunkSize+1)
	token := e.begin(o.key)
	e.put(token, o.chunks[:5]...)
	for round := range 3 {
		acknowledged := map[int]bool{}
		done := make(chan struct{})
		go func(s storage.Storage) {
			defer close(done)
			for _, c := range o.chunks[5+round*10:] {
				if s.PutChunk(e.Context(), token, c) != nil {
					return
				}
				acknowledged[c.Index] = true
			}
		}(e.Storage)
		time.Sleep(time.Duration(3+4*round) * time.Millisecond)
		e.s.Kill(e.T, e.Storage)
		<-done
		e.Storage = e.s.Open(e.T, e.place)
		e.absent(o.key)
		e.truthful(token, o, acknowledged)
	}
	e.put(token, o.chunks...)
	e.commit(token, len(o.data))
	e.holds(o)
}

// truthful demands that every acknowledged chunk is listed, and no chunk with another digest than its own.
func (e *env) truthful(token string, o object, acknowledged map[int]bool) {
	e.Helper()
	listed := map[int]bool{}
	for _, c := range e.arrived(token) {
		listed[c.Index] = c.SHA256 == o.chunks[c.Index].SHA256
	}
	for i := range acknowledged {
		if !listed[i] {
			e.Errorf("chunk %d was acknowledged before the kill and is not there afterwards", i)
		}
	}
}

func cancelledBefore(e *env) {
	ctx, cancel := context.WithCancel(e.Context())
	o := e.store("object", 10)
	token := e.begin(e.prefix + "another")
	cancel()
	_, err := e.Begin(ctx, storage.Upload{Key: e.prefix + "third", ChunkSize: e.s.ChunkSize})
	e.isKind("begin", err, errs.Canceled)
	e.isKind("put chunk", e.PutChunk(ctx, token, o.chunks[0]), errs.Canceled)
	e.isKind("commit", e.Commit(ctx, token, 0), errs.Canceled)
	_, err = e.Stat(ctx, o.key)
	e.isKind("stat", err, errs.Canceled)
	e.isKind("delete", e.Delete(ctx, o.key), errs.Canceled)
	e.isKind("list", e.List(ctx, e.prefix, func(storage.Object) error { return nil }), errs.Canceled)
	e.holds(o)
	e.absent(e.prefix + "another")
}

func cancelPut(e *env) {
	const size = 1 << 30
	name := filepath.Join(e.TempDir(), "sparse")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		e.Fatalf("make a sparse file: %v", err)
	}
	if err := os.Truncate(name, size); err != nil {
		e.Fatalf("make a sparse file: %v", err)
	}
	token, err := e.Begin(e.Context(), storage.Upload{Key: e.prefix + "object", ChunkSize: size})
	if err != nil {
		e.Fatalf("begin: %v", err)
	}
	e.Cleanup(func() { _ = e.Abort(context.WithoutCancel(e.Context()), token) })
	ctx, cancel := context.WithTimeout(e.Context(), 50*time.Millisecond)
	defer cancel()
	started := time.Now()
	err = e.PutChunk(ctx, token, storage.Chunk{Length: size, File: name})
	if took := time.Since(started); took > 2*time.Second {
		e.Errorf("a cancelled put returned after %s", took)
	}
	e.isKind("put a chunk of 1 GiB for 50 ms", err, errs.Canceled)
	e.arrivedAre(token)
}

func check(e *env) {
	c, ok := e.checker()
	if !ok {
		e.Logf("the provider has no check")
		return
	}
	before := e.keys("")
	got, err := c.Check(e.Context())
	if err != nil {
		e.Fatalf("check: %v", err)
	}
	if got.Free < -1 || got.Total < -1 || (got.Total >= 0 && got.Free > got.Total) {
		e.Errorf("capacity %+v is impossible", got)
	}
	if after := e.keys(""); e.s.Place != nil && fmt.Sprint(after) != fmt.Sprint(before) {
		e.Errorf("after the check the store lists %q, before %q", after, before)
	}
}

func full(e *env) {
	e = newEnvAt(e.T, e.s, e.s.Full(e.T))
	o := e.object("object", max(16<<20, 4*e.s.ChunkSize))
	token := e.begin(o.key)
	var err error
	stored := 0
	for _, c := range o.chunks {
		if err = e.PutChunk(e.Context(), token, c); err != nil {
			break
		}
		stored++
	}
	if err == nil {
		err = e.Commit(e.Context(), token, int64(len(o.data)))
	}
	e.isKind("put 16 MiB where 4 have room", err, errs.NoSpace)
	e.absent(o.key)
	e.arrivedAre(token, o.chunks[:stored]...)
	if err := e.Abort(e.Context(), token); err != nil {
		e.Fatalf("abort: %v", err)
	}
	e.holds(e.store("small", 1<<20))
}
