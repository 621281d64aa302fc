package ship

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// counter counts what goes through it.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// PutSmall stores data as an object of one chunk and reads it back: the manifest. Nothing is overwritten: a key that
// holds something else is errs.Exists; one that holds these very bytes is a success, so that a call which a crash cut
// short can be repeated. The bytes pass through a file of their own in scratchDir, which is removed again. Of o it
// uses Retry and Log.
func PutSmall(ctx context.Context, t Target, key string, data []byte, scratchDir string, o Options) error {
	o = o.withDefaults()
	op := "put " + key
	if len(data) == 0 {
		return targetError(t, op, errs.New(errs.Invalid, "an object of 0 bytes"))
	}
	err := o.putSmall(ctx, t, key, data, scratchDir)
	if err != nil && !errs.Is(err, errs.Exists) {
		return targetError(t, op, err)
	}
	got, readErr := o.readSmall(ctx, t, key, int64(len(data)))
	switch same := bytes.Equal(got, data); {
	case err != nil && !same:
		return targetError(t, op, err) // taken: it is not ours, so it stays
	case readErr != nil:
		return targetError(t, "read back "+key, readErr)
	case !same:
		damage := errs.New(errs.Corrupt, "the bytes at the target are not those that were sent")
		return o.dropDamaged(ctx, t, key, targetError(t, "read back "+key, damage))
	}
	return nil
}

func (o Options) putSmall(ctx context.Context, t Target, key string, data []byte, scratchDir string) (err error) {
	path, err := scratch(scratchDir, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	size := int64(len(data))
	err = o.call(ctx, t, "begin "+key, 0, func(ctx context.Context) (err error) {
		t.Token, err = t.Storage.Begin(ctx, storage.Upload{Key: key, ChunkSize: size})
		return err
	})
	if err != nil {
		return err
	}
	c := storage.Chunk{Length: size, SHA256: sha256.Sum256(data), File: path}
	err = o.call(ctx, t, "put "+key, size, func(ctx context.Context) error { return t.Storage.PutChunk(ctx, t.Token, c) })
	if err == nil {
		err = o.call(ctx, t, "commit "+key, size, func(ctx context.Context) error { return t.Storage.Commit(ctx, t.Token, size) })
	}
	if err == nil {
		return nil
	}
	actx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Retry.Timeout)
	defer cancel()
	if abortErr := Abort(actx, t, o); abortErr != nil {
		o.Log.Warn("drop unfinished upload", "key", key, "error", abortErr)
	}
	return err
}

// scratch writes data to a new file, for a provider to read.
func scratch(dir string, data []byte) (string, error) {
	f, err := os.CreateTemp(dir, "small-*.part") // 0600
	if err != nil {
		return "", fmt.Errorf("write scratch file: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(fmt.Errorf("write scratch file: %w", err), os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// readSmall reads an object of a known size; one of another size is errs.Corrupt.
func (o Options) readSmall(ctx context.Context, t Target, key string, size int64) ([]byte, error) {
	var buf bytes.Buffer
	err := o.call(ctx, t, "read "+key, size, func(ctx context.Context) error {
		buf.Reset()
		obj, err := t.Storage.Stat(ctx, key)
		if err != nil {
			return err
		}
		if obj.Size != size {
			return errs.New(errs.Corrupt, "%d bytes instead of %d", obj.Size, size)
		}
		return t.Storage.ReadRange(ctx, key, 0, size, &buf)
	})
	return buf.Bytes(), err
}
