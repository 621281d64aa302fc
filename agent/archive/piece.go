package archive

import (
	"bytes"
	"context"

	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/sdk/directio"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// target is an entry that is being read.
type target struct {
	File
	sum   *digest
	pages pageCheck
	flaw  string // the first thing that was wrong; set in order

	// A restore's:
	out      *directio.File // where the content goes; nil when it is only verified
	from     int64          // so many bytes of the content lie there already
	blank    int64          // zeros of so many bytes need no writing: the file reads as zeros there; 0: all is written
	unproven spans          // what was written and not read back yet, without a gap
	back     *directio.File // what the prover reads from; its own
}

// piece is one frame of a target. Its goroutine unpacks, writes and hashes it, and gives its slot back.
type piece struct {
	target       *target
	frames       Frames
	batch        *batch
	slot         Slot
	from, packed int64 // in the artifact
	off, size    int64 // in the content
	last         bool
	zeros        bool          // it holds nothing else, and was not written
	crcs         [2]uint32     // of all of the file before it, and with it
	hashed       chan struct{} // closed when the content is hashed
	done         chan struct{}
	err          error
}

// after is what a piece waits for before it is hashed: nil where it is the first of its file.
func (p *piece) after(previous *piece) chan struct{} {
	if previous == nil || previous.target != p.target {
		return nil
	}
	return previous.hashed
}

// run unpacks the piece, then writes and hashes it side by side.
func (p *piece) run(ctx context.Context, x *extractor, previous chan struct{}) {
	defer close(p.done)
	defer p.slot.Release()
	raw, err := p.unpack(ctx, x)
	p.err = err
	written := make(chan error, 1)
	if err == nil && p.target.out != nil && !p.zeros {
		go func() { written <- p.write(raw) }()
	} else {
		written <- nil
	}
	p.hash(x, raw, previous)
	if err := <-written; p.err == nil {
		p.err = err
	}
}

// hash adds the piece to the digests of its file, after the piece before it.
func (p *piece) hash(x *extractor, raw []byte, previous chan struct{}) {
	defer close(p.hashed)
	t := p.target
	var found innodb.Part
	var zeros int64
	if p.zeros {
		zeros = p.size
	} else if p.err == nil {
		found = t.pages.look(p.off, raw)
	}
	if previous != nil {
		<-previous
	}
	if p.err != nil {
		return
	}
	t.sum.data(p.slot.In()[:p.packed])
	p.crcs[0] = t.sum.crc
	t.sum.content(raw)
	t.sum.zeros(int(zeros), x.block)
	p.crcs[1] = t.sum.crc
	t.pages.add(found, zeros)
}

// unpack gives the content, or notes that it is all zeros, where none need to be written.
func (p *piece) unpack(ctx context.Context, x *extractor) ([]byte, error) {
	in := p.slot.In()
	if p.packed > int64(len(in)) {
		x.fetcher.done(p)
		return nil, errs.New(errs.Corrupt, "frame at byte %d is longer than any can be", p.from)
	}
	in = in[:p.packed]
	if err := x.fetcher.take(p, in); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	full := p.target.blank > 0 && p.size == int64(x.r.header.FrameSize)
	if known := x.zero.Load(); full && known != nil && bytes.Equal(in, *known) {
		p.zeros = true
		return nil, nil
	}
	raw, err := p.slot.Decompress(ctx, int(p.packed), int(p.size))
	if err == nil && int64(len(raw)) != p.size {
		err = errs.New(errs.Corrupt, "frame at byte %d holds %d bytes instead of %d", p.from, len(raw), p.size)
	}
	if err != nil || !full || p.packed > zeroPacked || !isZero(raw) {
		return raw, err
	}
	own := bytes.Clone(in)
	x.zero.Store(&own)
	p.zeros = true
	return nil, nil
}

// zeroPacked is the longest packed frame of zeros that is remembered.
const zeroPacked = 64 << 10

// A file that had holes gets them back wherever there is a block of zeros. One that had none has its room reserved, so that
// what is not written reads as zeros and still cannot fail for want of room later; shorter runs of zeros are not worth a
// write of their own around them. Tablespaces are a tenth zeros: InnoDB makes them longer in advance.
const (
	holeUnit     = 4 << 10
	reservedUnit = 64 << 10
)

// write puts the content into its place, without the zeros that are there.
func (p *piece) write(raw []byte) error {
	unit := int(p.target.blank)
	if unit == 0 {
		return p.writeAt(raw, p.off)
	}
	for start := 0; start < len(raw); {
		for start < len(raw) && isZero(raw[start:min(start+unit, len(raw))]) {
			start += unit
		}
		end := start
		for end < len(raw) && !isZero(raw[end:min(end+unit, len(raw))]) {
			end = min(end+unit, len(raw))
		}
		if start < end {
			if err := p.writeAt(raw[start:end], p.off+int64(start)); err != nil {
				return err
			}
		}
		start = end
	}
	return nil
}

func (p *piece) writeAt(raw []byte, off int64) error {
	_, err := p.target.out.WriteAt(raw, off)
	if err == nil {
		writeBack(p.target.out.File, off, int64(len(raw)))
	}
	return diskError(err)
}
