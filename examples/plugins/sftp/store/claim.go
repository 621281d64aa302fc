package store

import (
	"context"
	"sync"
)

// upload is what the calls for one upload share in this process: who may touch its files now. Several chunks are stored at
// once, each by one call; a commit or an abort is alone.
type upload struct {
	mu     sync.Mutex
	busy   map[int]bool
	alone  bool
	change chan struct{} // closed and replaced when something is released
}

// upload returns the shared state of a token.
func (s *Store) upload(token string) *upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[token]
	if u == nil {
		u = &upload{busy: map[int]bool{}, change: make(chan struct{})}
		s.uploads[token] = u
	}
	return u
}

func (s *Store) forgetUpload(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.uploads, token)
}

// claim waits until no other call works on the chunk, and returns the function that lets go of it.
func (u *upload) claim(ctx context.Context, index int) (release func(), err error) {
	return u.wait(ctx,
		func() bool { return !u.alone && !u.busy[index] },
		func() { u.busy[index] = true },
		func() { delete(u.busy, index) })
}

// claimAll waits until no other call works on the upload.
func (u *upload) claimAll(ctx context.Context) (release func(), err error) {
	return u.wait(ctx,
		func() bool { return !u.alone && len(u.busy) == 0 },
		func() { u.alone = true },
		func() { u.alone = false })
}

func (u *upload) wait(ctx context.Context, free func() bool, take, give func()) (release func(), err error) {
	for {
		u.mu.Lock()
		if free() {
			take()
			u.mu.Unlock()
			return func() { u.release(give) }, nil
		}
		change := u.change
		u.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (u *upload) release(give func()) {
	u.mu.Lock()
	defer u.mu.Unlock()
	give()
	close(u.change)
	u.change = make(chan struct{})
}
