package ship

import (
	"log/slog"
	"sync"
)

// recorder tells the journal about arrived chunks from one goroutine, as many at a time as have gathered: workers do
// not wait for the disk, and a slow disk means fewer, larger writes.
type recorder struct {
	j    Journal
	log  *slog.Logger
	more chan struct{} // holds at most one: "look at pending"
	done chan struct{}
	once sync.Once

	mu      sync.Mutex
	pending map[string][]int
}

func newRecorder(j Journal, log *slog.Logger) *recorder {
	r := &recorder{j: j, log: log, more: make(chan struct{}, 1), done: make(chan struct{}), pending: map[string][]int{}}
	go func() {
		defer close(r.done)
		for range r.more {
			r.flush()
		}
	}()
	return r
}

func (r *recorder) begun(label, token string) error {
	if r.j == nil {
		return nil
	}
	return r.j.UploadBegun(label, token)
}

func (r *recorder) arrived(label string, index int) {
	if r.j == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending[label] = append(r.pending[label], index)
	select {
	case r.more <- struct{}{}:
	default: // it will see this chunk as well
	}
}

// flush writes what is pending. What could not be written stays pending: a disk that is full now need not be later.
func (r *recorder) flush() {
	r.mu.Lock()
	batch := r.pending
	r.pending = map[string][]int{}
	r.mu.Unlock()
	for label, indices := range batch {
		if err := r.j.ChunksArrived(label, indices); err != nil {
			r.log.Warn("record arrived chunks", "target", label, "chunks", len(indices), "error", err)
			r.mu.Lock()
			r.pending[label] = append(r.pending[label], indices...)
			r.mu.Unlock()
		}
	}
}

// close writes the rest and ends the goroutine. No worker may be left.
func (r *recorder) close() {
	r.once.Do(func() {
		close(r.more)
		<-r.done
		if r.j != nil {
			r.flush()
		}
	})
	<-r.done
}
