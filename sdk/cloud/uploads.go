package cloud

import "sync"

// Uploads are the uploads that a process works on. The zero value is ready.
type Uploads struct {
	mu  sync.Mutex
	all map[Token]*upload
}

// upload is what the calls for one upload share.
type upload struct {
	life sync.RWMutex // held for reading while a chunk is put, for writing by what ends the upload

	mu        sync.Mutex
	chunkSize int64
}

// get returns the state of an upload.
func (u *Uploads) get(t Token) *upload {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.all == nil {
		u.all = map[Token]*upload{}
	}
	if u.all[t] == nil {
		u.all[t] = &upload{}
	}
	return u.all[t]
}

// Put runs f, which puts a chunk of an upload with the chunk size that it is given; several of them run side by side. load is
// asked for the chunk size until it has told it once.
func (u *Uploads) Put(t Token, load func() (int64, error), f func(chunkSize int64) error) error {
	up := u.get(t)
	up.life.RLock()
	defer up.life.RUnlock()
	size, err := up.size(load)
	if err != nil {
		return err
	}
	return f(size)
}

// End runs f, which ends an upload, while no chunk of it is put. Once f has succeeded nothing is kept of the upload.
func (u *Uploads) End(t Token, f func() error) error {
	up := u.get(t)
	up.life.Lock()
	defer up.life.Unlock()
	err := f()
	if err == nil {
		u.forget(t)
	}
	return err
}

func (u *Uploads) forget(t Token) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.all, t)
}

// size returns the upload's chunk size in bytes, which load is asked for once. While load fails it is asked again.
func (u *upload) size(load func() (int64, error)) (int64, error) {
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
