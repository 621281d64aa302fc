package archive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// queued is how many frames may wait for the writer; those with content are bounded by slots as well.
const queued = 512

// Write archives the data directory into w. The server must be down: anything that changes meanwhile is ErrChanged. What
// cannot be archived is a RefusedError that names all of it, before the first byte is written. Errors keep the kind that
// errs.KindOf finds. Write gives back every slot, and returns within a moment when ctx ends, unless w blocks.
func Write(ctx context.Context, w io.Writer, f Frames, o Options) (Summary, error) {
	if size := f.FrameSize(); size < 1 || size > manifest.MaxFrame {
		return Summary{}, errs.New(errs.Invalid, "archive: frame size %d is not between 1 and %d", size, manifest.MaxFrame)
	}
	if len(o.Server) > 0 && !json.Valid(o.Server) {
		return Summary{}, errs.New(errs.Invalid, "archive: the server facts are not JSON")
	}
	list, err := newNodes(o.Scratch)
	if err != nil {
		return Summary{}, err
	}
	defer list.remove()
	found, err := tree.Walk(ctx, o.tree(false), list.add)
	if err == nil {
		err = tree.RefusedErr(found.Refused)
	}
	if err != nil {
		return Summary{}, err
	}
	z, err := newZipWriter(w, o.Scratch, &meter{report: o.Progress, Progress: Progress{
		TotalBytes: found.Totals.Bytes, TotalFiles: found.Totals.Files,
	}})
	if err != nil {
		return Summary{}, err
	}
	defer z.remove()
	z.pages = newPageSums(o.Pages)
	feed := &feeder{root: found.RootPath, frames: f, names: z.names, pages: o.Pages}
	err = copyAll(ctx, z, feed, list)
	if err == nil || errors.Is(err, ErrChanged) { // where one thing has changed there may be others, to be named as well
		err = cmp.Or(recheck(ctx, list, &found), err)
	}
	if err != nil {
		return Summary{}, err
	}
	h := header(f, &o, &found)
	h.Pages = z.pages.totals
	if err := z.finish(ctx, h); err != nil {
		return Summary{}, err
	}
	return z.summary(&found), nil
}

// copyAll runs feeder and writer until both are done.
func copyAll(ctx context.Context, z *zipWriter, feed *feeder, list *nodes) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan *frame, queued)
	feed.tiny, feed.queue = newStored(tiny, tinySlots), queue
	feed.zero.size, feed.zero.block = feed.frames.FrameSize(), make([]byte, zeroBlock)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := feed.run(ctx, list); err != nil {
			cancel(err)
		}
	})
	for fr := range queue {
		if ctx.Err() == nil {
			if err := z.frame(fr); err != nil {
				cancel(err)
			}
		}
		fr.finish()
	}
	wg.Wait()
	return context.Cause(ctx)
}

func header(f Frames, o *Options, found *tree.Result) *Header {
	names := newOwners()
	h := &Header{
		Version: manifest.Version, Artifact: o.Artifact, Server: o.Server, Method: f.Method(), FrameSize: f.FrameSize(),
		Trailer: f.Trailer(), Totals: found.Totals, Keyrings: found.Keyrings, Outside: found.Outside,
		Root: manifest.Root{
			Path: found.RootPath, Mode: permissions(found.Root.Mode), UID: found.Root.UID, GID: found.Root.GID,
			MTime: found.Root.MTime,
		},
		Excluded: manifest.Excluded{Patterns: append(DefaultExclude(), o.Exclude...), Count: found.SkippedCount},
	}
	h.Root.User, h.Root.Group = names.of(h.Root.UID, h.Root.GID)
	for _, s := range found.Skipped {
		h.Excluded.Paths = append(h.Excluded.Paths, fmt.Sprintf("%s (%s)", s.Path, s.Reason))
	}
	return h
}
