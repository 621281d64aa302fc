package ship

import (
	"context"

	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// assembly is how many times faster than MinRate a store is expected to put a finished upload together at least.
const assembly = 16

// Commit makes an upload visible under its key and proves it: every chunk is read back from the target and compared
// with the digest that was computed when it was written (R4.5, R8.4), unless the provider has done so for each chunk as
// it arrived (storage.ReadBacker). chunks are all chunks of the artifact, in order;
// their files need not exist any more. It can be repeated after a crash at any point.
//
// Bytes that differ are errs.Corrupt; the object is deleted then, as nobody shall take it for a backup. A key that
// holds somebody else's object is errs.Exists, and the object is left alone. Of o it uses Workers, Retry, Log, and
// Progress, which counts the bytes that were read back.
func Commit(ctx context.Context, t Target, token, key string, size int64, chunks []spool.Chunk, o Options) error {
	o = o.withDefaults()
	if err := addUp(chunks, size); err != nil {
		return targetError(t, "commit "+key, err)
	}
	err := o.call(ctx, t, "commit "+key, size/assembly, func(ctx context.Context) error {
		return t.Storage.Commit(ctx, token, size)
	})
	ours := err == nil
	if err != nil && !errs.Is(err, errs.NotFound) {
		return targetError(t, "commit "+key, err)
	}
	// An unknown upload: either it became an object before a crash and the store forgot its token, or it is lost.
	if !ours && !o.exists(ctx, t, key) {
		return targetError(t, "commit "+key, err)
	}
	err = o.prove(ctx, t, key, chunks)
	switch {
	case !errs.Is(err, errs.Corrupt):
		return err
	case !ours:
		return errs.Wrap(errs.Exists, err, "commit %s at target %q: the upload is gone and another object has its key", key, t.Label)
	}
	return o.dropDamaged(ctx, t, key, err)
}

// prove compares an object with the digests of its chunks. A provider that read every chunk back when it took it has
// done that already, on the very bytes that the object is made of; its size says that no chunk is missing.
func (o Options) prove(ctx context.Context, t Target, key string, chunks []spool.Chunk) error {
	if !storage.ReadsBack(t.Storage) {
		return Verify(ctx, t, key, chunks, o)
	}
	v := &verification{o: o, t: t, key: key}
	return targetError(t, "read back "+key, v.size(ctx, chunks))
}

// addUp checks that chunks make an artifact of so many bytes.
func addUp(chunks []spool.Chunk, size int64) error {
	var sum int64
	for i, c := range chunks {
		if c.Index != i {
			return errs.New(errs.Invalid, "chunk %d is where chunk %d should be", c.Index, i)
		}
		sum += c.Length
	}
	if sum != size {
		return errs.New(errs.Invalid, "chunks make %d bytes, the artifact has %d", sum, size)
	}
	return nil
}

func (o Options) exists(ctx context.Context, t Target, key string) bool {
	return o.call(ctx, t, "stat "+key, 0, func(ctx context.Context) error {
		_, err := t.Storage.Stat(ctx, key)
		return err
	}) == nil
}

// dropDamaged deletes an object that is not what was sent, also when ctx has ended meanwhile.
func (o Options) dropDamaged(ctx context.Context, t Target, key string, damage error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Retry.Total)
	defer cancel()
	err := o.call(ctx, t, "delete "+key, 0, func(ctx context.Context) error { return t.Storage.Delete(ctx, key) })
	if err != nil {
		return errs.Wrap(errs.Corrupt, damage, "the damaged object could not be deleted (%v)", err)
	}
	return damage
}
