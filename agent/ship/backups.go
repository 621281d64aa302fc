package ship

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Backup is what a target holds under one manifest.
type Backup struct {
	Key      string             // of the artifact
	Manifest *manifest.Manifest // nil when it cannot be read
	Err      error              // why this is not a sound backup; nil when nothing speaks against it
	Hold     storage.Hold       // of the artifact, where the target can hold objects
}

// created is the time to sort by; what has no manifest comes first.
func (b Backup) created() time.Time {
	if b.Manifest == nil {
		return time.Time{}
	}
	return b.Manifest.Created
}

// Backups lists the backups at a target whose keys begin with prefix, the oldest first, as the target itself tells.
// Artifacts without a manifest are not backups and are left out. A manifest that cannot be parsed, or whose artifact is
// missing or of another size, is in the list with its Err; it is never passed over. Content is not read: see Verify.
// Of o it uses Workers, Retry and Log.
func Backups(ctx context.Context, t Target, prefix string, o Options) ([]Backup, error) {
	o = o.withDefaults()
	sizes, err := o.list(ctx, t, prefix)
	if err != nil {
		return nil, targetError(t, "list backups", err)
	}
	var all []Backup
	for key := range sizes {
		if artifact, ok := strings.CutSuffix(key, manifest.Suffix); ok {
			all = append(all, Backup{Key: artifact})
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(o.Workers)
	for i := range all {
		g.Go(func() error { return o.load(gctx, t, &all[i], sizes) })
	}
	if err := g.Wait(); err != nil {
		return nil, targetError(t, "list backups", err)
	}
	slices.SortFunc(all, func(a, b Backup) int {
		if c := a.created().Compare(b.created()); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return all, nil
}

// Strays lists objects at a target that are artifacts by their name (.zip, .zip.sealed) and have no manifest: what a run
// that died has left, what a run is just about to commit, or a backup whose manifest was deleted. Of o it uses Retry and Log.
func Strays(ctx context.Context, t Target, o Options) ([]string, error) {
	o = o.withDefaults()
	sizes, err := o.list(ctx, t, "")
	if err != nil {
		return nil, targetError(t, "list artifacts", err)
	}
	var keys []string
	for key := range sizes {
		_, whole := sizes[manifest.Key(key)]
		if !whole && (strings.HasSuffix(key, ".zip") || strings.HasSuffix(key, ".zip.sealed")) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// list returns the sizes of all objects by their keys.
func (o Options) list(ctx context.Context, t Target, prefix string) (map[string]int64, error) {
	var sizes map[string]int64
	err := o.call(ctx, t, "list "+prefix, 0, func(ctx context.Context) error {
		sizes = map[string]int64{} // a try that failed half-way does not count
		return t.Storage.List(ctx, prefix, func(obj storage.Object) error {
			sizes[obj.Key] = obj.Size
			return nil
		})
	})
	return sizes, err
}

// load reads the manifest of b. Its error means that the target cannot be asked; what is wrong with b is in b.Err.
func (o Options) load(ctx context.Context, t Target, b *Backup, sizes map[string]int64) error {
	key := manifest.Key(b.Key)
	if sizes[key] > manifest.MaxSize {
		b.Err = errs.New(errs.Corrupt, "%s has %d bytes; a manifest has at most %d", key, sizes[key], manifest.MaxSize)
		return nil
	}
	data, err := o.readSmall(ctx, t, key, sizes[key])
	if errs.Is(err, errs.Corrupt) || errs.Is(err, errs.NotFound) {
		b.Err = err // changed or deleted since it was listed
		return nil
	}
	if err != nil {
		return err
	}
	m, err := manifest.Parse(data)
	if errors.Is(err, manifest.ErrVersion) {
		b.Err = errs.Wrap(errs.Unsupported, err, "%s", key)
		return nil
	}
	if err != nil {
		b.Err = errs.Wrap(errs.Corrupt, err, "%s", key)
		return nil
	}
	b.Manifest, b.Err = m, fits(m, b.Key, sizes)
	return o.askHold(ctx, t, b)
}

// askHold finds out whether the artifact is held; a listing need not tell.
func (o Options) askHold(ctx context.Context, t Target, b *Backup) error {
	if _, ok := storage.HolderOf(t.Storage); !ok || b.Err != nil {
		return nil
	}
	return o.call(ctx, t, "stat "+b.Key, 0, func(ctx context.Context) error {
		obj, err := t.Storage.Stat(ctx, b.Key)
		b.Hold = obj.Hold
		return err
	})
}

// fits checks a manifest against what lies beside it.
func fits(m *manifest.Manifest, key string, sizes map[string]int64) error {
	size, ok := sizes[key]
	switch {
	case m.Key != key:
		return errs.New(errs.Corrupt, "%s is the manifest of %s", manifest.Key(key), m.Key)
	case !ok:
		return errs.New(errs.Corrupt, "%s has a manifest, but is missing", key)
	case size != m.Size:
		return errs.New(errs.Corrupt, "%s has %d bytes; its manifest says %d", key, size, m.Size)
	}
	return nil
}

// PutManifest stores an encoded manifest beside its artifact, as PutSmall does. One of the same backup that is there
// already is a success, also when it says other times: a run that died right after writing it writes it again.
func PutManifest(ctx context.Context, t Target, data []byte, scratchDir string, o Options) error {
	m, err := manifest.Parse(data)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "put manifest at target %q", t.Label)
	}
	key := manifest.Key(m.Key)
	err = fault.Around("manifest.put", func() error { return PutSmall(ctx, t, key, data, scratchDir, o) })
	if !errs.Is(err, errs.Exists) {
		return err
	}
	o = o.withDefaults()
	there, readErr := o.readAny(ctx, t, key)
	if readErr != nil || there.Backup != m.Backup || there.Size != m.Size || !slices.Equal(there.Chunks, m.Chunks) {
		return err
	}
	return nil
}

// readAny reads the manifest that a key holds.
func (o Options) readAny(ctx context.Context, t Target, key string) (*manifest.Manifest, error) {
	var buf bytes.Buffer
	err := o.call(ctx, t, "read "+key, manifest.MaxSize, func(ctx context.Context) error {
		buf.Reset()
		obj, err := t.Storage.Stat(ctx, key)
		if err == nil && obj.Size > manifest.MaxSize {
			err = errs.New(errs.Corrupt, "%d bytes", obj.Size)
		}
		if err != nil {
			return err
		}
		return t.Storage.ReadRange(ctx, key, 0, obj.Size, &buf)
	})
	if err != nil {
		return nil, err
	}
	return manifest.Parse(buf.Bytes())
}
