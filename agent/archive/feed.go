package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/agent/archive/zip64"
	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// tiny is the size up to which a file is stored as it is: a trip to the compressor costs more than it saves.
const (
	tiny      = 1024
	tinySlots = 256
)

// feeder reads the files, in order, into frames. It reads ahead as far as there are slots.
type feeder struct {
	root   string
	frames Frames
	tiny   *stored
	zero   zeroFrame
	names  *owners
	pages  *innodb.Hints // nil: pages are not checked
	queue  chan<- *frame
}

func (f *feeder) run(ctx context.Context, list *nodes) error {
	defer close(f.queue)
	return list.each(func(n tree.Node) error { return f.node(ctx, &n) })
}

func (f *feeder) node(ctx context.Context, n *tree.Node) error {
	e := &entry{file: fileOf(n, f.names), sum: newDigest()}
	e.pages = newPageCheck(e.file, f.pages)
	if n.Type != manifest.Regular || n.Stat.Size == 0 {
		fr := e.newFrame(nil, len(n.Target))
		fr.data = []byte(n.Target)
		fr.last = true
		return f.send(ctx, fr)
	}
	return f.regular(ctx, n, e)
}

// regular sends a file's frames, and makes sure that it is what the walk saw, before and after.
func (f *feeder) regular(ctx context.Context, n *tree.Node, e *entry) error {
	file, err := tree.Open(n.Real(f.root))
	if errors.Is(err, fs.ErrNotExist) {
		return tree.Changed(n.Path, "it vanished")
	}
	if errors.Is(err, syscall.ELOOP) {
		return tree.Changed(n.Path, "a link took its place")
	}
	if err != nil {
		return classify(err, "read %q", n.Path)
	}
	defer file.Close()
	if err := unchanged(n, file); err != nil {
		return err
	}
	advise(file)
	if err := f.pieces(ctx, file, n, e); err != nil {
		return err
	}
	return unchanged(n, file)
}

func (f *feeder) pieces(ctx context.Context, file *os.File, n *tree.Node, e *entry) error {
	frames := f.frames
	e.file.Streamed, e.trailer = true, frames.Trailer()
	if n.Stat.Size <= tiny {
		frames, e.trailer, e.file.Streamed = f.tiny, nil, false
	}
	e.file.Method = frames.Method()
	size := n.Stat.Size
	var hole int64 // there is only a hole up to here
	for off := int64(0); off < size; {
		length := int(min(size-off, int64(f.frames.FrameSize())))
		if e.file.Sparse && off >= hole && length == f.zero.size {
			hole = nextData(file, off, size)
		}
		var fr *frame
		var err error
		if length == f.zero.size && off+int64(length) <= hole {
			fr, err = f.hole(ctx, e, length)
		} else {
			fr, err = f.read(ctx, frames, file, e, off, length)
		}
		if err != nil {
			return err
		}
		fr.off, fr.last = off, off+int64(length) == size
		if err := f.send(ctx, fr); err != nil {
			return err
		}
		off += int64(length)
	}
	return nil
}

func (f *feeder) hole(ctx context.Context, e *entry, length int) (*frame, error) {
	data, err := f.zero.make(ctx, f.frames)
	if err != nil {
		return nil, err
	}
	fr := e.newFrame(nil, 0)
	fr.data, fr.zeros = data, length
	return fr, nil
}

func (f *feeder) read(ctx context.Context, frames Frames, file *os.File, e *entry, off int64, length int) (*frame, error) {
	slot, err := frames.Slot(ctx)
	if err != nil {
		return nil, err
	}
	if err := zip64.ReadFullAt(file, slot.In()[:length], off); err != nil {
		slot.Release()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, tree.Changed(e.file.Path, "it became shorter")
		}
		return nil, classify(err, "read %q", e.file.Path)
	}
	return e.newFrame(slot, length), nil
}

// send starts the frame and queues it; when the run is over instead, it cleans up.
func (f *feeder) send(ctx context.Context, fr *frame) error {
	fr.start(ctx, &f.zero)
	select {
	case f.queue <- fr:
		return nil
	case <-ctx.Done():
		fr.finish()
		return context.Cause(ctx)
	}
}

func unchanged(n *tree.Node, file *os.File) error {
	st, err := tree.Fstat(file)
	if err != nil {
		return classify(err, "read %q", n.Path)
	}
	return n.Unchanged(st)
}

// classify gives an error of the system its kind, and names what was tried.
func classify(err error, format string, args ...any) error {
	err = fmt.Errorf(format+": %w", append(args, err)...)
	if errors.Is(err, fs.ErrPermission) {
		return &errs.Error{Kind: errs.Permission, Err: err}
	}
	return err
}
