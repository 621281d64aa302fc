package archive

import (
	"bytes"
	"context"
	"hash"
	"sync/atomic"

	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/sdk/directio"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// target is an entry that is being read.
type target struct {
	File
	sum     *digest
	pages   pageCheck
	out     *directio.File // where the content goes; nil when it is only verified
	from    int64          // so many bytes of the content lie there already
	blank   int64          // zeros of so many bytes need no writing: the file reads as zeros there; 0: all is written
	through atomic.Int64   // so many bytes were written, without a gap
	flaw    string         // the first thing that was wrong; set in order

	back   *directio.File // the prover's own; with the hash of what was read back so far
	proof  hash.Hash      // SHA-256
	backTo int64
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
	done         chan struct{} // closed when it is hashed as well
	err          error
}

func (p *piece) run(ctx context.Context, x *extractor, previous chan struct{}) {
	defer close(p.done)
	defer p.slot.Release()
	raw, zeros, err := p.unpack(ctx, x)
	if err == nil && p.target.out != nil && !zeros {
		err = p.write(raw)
	}
	p.err = err
	var found innodb.Part
	if err == nil && !zeros {
		found = p.target.pages.look(p.off, raw)
	}
	if previous != nil {
		<-previous
	}
	if err != nil {
		return
	}
	p.target.sum.data(p.slot.In()[:p.packed])
	if zeros {
		p.target.sum.zeros(int(p.size), x.block)
		p.target.pages.add(found, p.size)
		return
	}
	p.target.sum.content(raw)
	p.target.pages.add(found, 0)
}

// unpack gives the content, or says that it is all zeros, where none need to be written.
func (p *piece) unpack(ctx context.Context, x *extractor) (raw []byte, zeros bool, err error) {
	in := p.slot.In()
	if p.packed > int64(len(in)) {
		x.fetcher.done(p)
		return nil, false, errs.New(errs.Corrupt, "frame at byte %d is longer than any can be", p.from)
	}
	in = in[:p.packed]
	if err := x.fetcher.take(p, in); err != nil {
		return nil, false, err
	}
	if err := ctx.Err(); err != nil {
		return nil, false, context.Cause(ctx)
	}
	full := p.target.blank > 0 && p.size == int64(x.r.header.FrameSize)
	if known := x.zero.Load(); full && known != nil && bytes.Equal(in, *known) {
		return nil, true, nil
	}
	raw, err = p.slot.Decompress(ctx, int(p.packed), int(p.size))
	if err == nil && int64(len(raw)) != p.size {
		err = errs.New(errs.Corrupt, "frame at byte %d holds %d bytes instead of %d", p.from, len(raw), p.size)
	}
	if err != nil || !full || p.packed > zeroPacked || !isZero(raw) {
		return raw, false, err
	}
	own := bytes.Clone(in)
	x.zero.Store(&own)
	return raw, true, nil
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
