package archive

import (
	"context"
	"fmt"
	"sync/atomic"
)

// entry is a file on its way into the zip.
type entry struct {
	file    *File
	sum     *digest
	trailer []byte
	chain   chan struct{} // closed when the content so far is hashed
	pages   pageCheck
}

// frame is a piece of an entry on its way. Its slot is its own until finish.
type frame struct {
	entry  *entry
	last   bool
	slot   Slot  // nil: data is there already
	zeros  int   // without a slot: how many zeros it stands for
	off    int64 // of its content in the file; 0: it is the first
	n      int
	data   []byte // valid once packed is closed and err is nil
	err    error
	packed chan struct{}
	hashed chan struct{}
}

func (e *entry) newFrame(slot Slot, n int) *frame {
	return &frame{entry: e, slot: slot, n: n, packed: make(chan struct{}), hashed: make(chan struct{})}
}

// start compresses and hashes, side by side. Hashing waits for the frames of the same file that come before; pages are
// looked at without waiting.
func (f *frame) start(ctx context.Context, zero *zeroFrame) {
	previous := f.entry.chain
	f.entry.chain = f.hashed
	go f.hash(previous, zero.block)
	if f.slot == nil {
		close(f.packed)
		return
	}
	go f.compress(ctx, zero)
}

func (f *frame) compress(ctx context.Context, zero *zeroFrame) {
	defer close(f.packed)
	full := f.n == zero.size && isZero(f.slot.In()[:f.n])
	if full {
		if f.data = zero.get(); f.data != nil {
			return
		}
	}
	f.data, f.err = f.slot.Compress(ctx, f.n)
	if full && f.err == nil {
		zero.set(f.data)
	}
}

func (f *frame) hash(previous chan struct{}, block []byte) {
	defer close(f.hashed)
	var content []byte
	if f.slot == nil {
		content = f.data[:f.n]
	} else {
		content = f.slot.In()[:f.n]
	}
	found := f.entry.pages.look(f.off, content)
	if previous != nil {
		<-previous
	}
	f.entry.sum.content(content)
	f.entry.sum.zeros(f.zeros, block)
	f.entry.pages.add(found, int64(f.zeros))
}

// finish waits for both and gives the slot back. It must be called once for every frame that was started.
func (f *frame) finish() {
	<-f.packed
	<-f.hashed
	if f.slot != nil {
		f.slot.Release()
	}
}

// zeroFrame is a full frame of zeros, compressed once: frames do not depend on each other.
type zeroFrame struct {
	size  int
	block []byte // some zeros, only read
	data  atomic.Pointer[[]byte]
}

const zeroBlock = 32 << 10

func (z *zeroFrame) get() []byte {
	if p := z.data.Load(); p != nil {
		return *p
	}
	return nil
}

func (z *zeroFrame) set(data []byte) {
	own := append([]byte(nil), data...)
	z.data.CompareAndSwap(nil, &own)
}

// make compresses it when nobody has met one yet.
func (z *zeroFrame) make(ctx context.Context, frames Frames) ([]byte, error) {
	if data := z.get(); data != nil {
		return data, nil
	}
	slot, err := frames.Slot(ctx)
	if err != nil {
		return nil, err
	}
	defer slot.Release()
	clear(slot.In()[:z.size])
	data, err := slot.Compress(ctx, z.size)
	if err != nil {
		return nil, fmt.Errorf("compress a hole: %w", err)
	}
	z.set(data)
	return z.get(), nil
}
