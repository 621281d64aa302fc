package cloud

import "sync"

// Uploads are the uploads that a process works on. The zero value is ready.
type Uploads struct {
	mu  sync.Mutex
	all map[Token]*Upload
}

// Upload is what the calls for one upload share.
type Upload struct {
	// Life is held for reading while a chunk is put, for writing by what ends the upload.
	Life sync.RWMutex

	mu        sync.Mutex
	chunkSize int64
}

// Get returns the state of an upload.
func (u *Uploads) Get(t Token) *Upload {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = map[Token]*Upload{}
	}
	if u.all[t] == nil {
		u.all[t] = &Upload{}
	}
	return u.all[t]
}

// Forget drops the state of an upload that has ended.
func (u *Uploads) Forget(t Token) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, t)
}

// ChunkSize returns the upload's chunk size in bytes, which load is asked for once. While load fails it is asked again.
func (u *Upload) ChunkSize(load func() (int64, error)) (int64, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.chunkSize > 0 {
		return u.chunkSize, nil
	}
	n, err := load()
	if err == nil {
		u.chunkSize = n
	}
	return n, err
}
