package step_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/ship"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/step"
)

// watchman says who is at the data directory, from the look with this number on.
type watchman struct {
	looks, from atomic.Int32
	who         string
	err         error
}

func (w *watchman) Meddler([]string) (string, error) {
	if w.looks.Add(1) < w.from.Load() {
		return "", nil
	}
	return w.who, w.err
}

func captureOf(t *testing.T, w *watchman, write func(ctx context.Context, out io.Writer) error) *step.Capture {
	t.Helper()
	s, err := spool.Create(filepath.Join(t.TempDir(), "run"))
	if err != nil {
		t.Fatal(err)
	}
	nas, b := newStore(t), backup()
	b.Artifact.Key, b.Artifact.ChunkSize = key, b.Job.Artifact.ChunkSize
	return &step.Capture{
		Backup: b, Guard: w, Spool: s, Journal: running(),
		Archive: func(ctx context.Context, out io.Writer) (archive.Summary, error) {
			return archive.Summary{Files: 1}, write(ctx, out)
		},
		Shipping: func(ctx context.Context) (*ship.Shipment, error) {
			s, err := ship.Start(ctx, []ship.Target{{Label: "nas", Storage: nas}},
				ship.Options{Key: key, ChunkSize: b.Artifact.ChunkSize, Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				t.Cleanup(func() { s.Stop() })
			}
			return s, err
		},
	}
}

// Whoever comes to the data directory ends the copy at once, in the middle of it: it would go on for hours otherwise. So
// does a look that cannot be made. What comes at the last moment is seen, too, and an artifact is whole only when nobody
// came.
func TestCaptureIsWatched(t *testing.T) {
	changed := errors.New("ibdata1 changed")
	waits := func(ctx context.Context, _ io.Writer) error {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	writes := func(_ context.Context, out io.Writer) error {
		_, err := out.Write([]byte("artifact"))
		return err
	}
	fails := func(context.Context, io.Writer) error { return changed }
	const never, always, later = 1 << 30, 1, 3
	for name, tt := range map[string]struct {
		from  int32
		who   string
		err   error
		write func(context.Context, io.Writer) error
		says  []string // nil: it is whole
	}{
		"nobody comes":                          {never, "", nil, writes, nil},
		"a server comes":                        {later, "process 4711 works on /srv/mysql", nil, waits, []string{"process 4711", "during the copy"}},
		"is there at once":                      {always, "process 4711 works on /srv/mysql", nil, waits, []string{"process 4711", "during the copy"}},
		"cannot be looked at":                   {later, "", errBroken, waits, []string{"look who works", errBroken.Error()}},
		"comes as it ends":                      {always, "process 4711 works on /srv/mysql", nil, writes, []string{"process 4711"}},
		"files change":                          {never, "", nil, fails, []string{changed.Error()}},
		"files change, and the reason is there": {always, "process 4711 works on /srv/mysql", nil, fails, []string{"process 4711"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &watchman{who: tt.who, err: tt.err}
			w.from.Store(tt.from)
			c := captureOf(t, w, tt.write)
			err := c.Do(t.Context())
			t.Cleanup(func() { _ = c.Backup.Shipment.Abort(context.WithoutCancel(t.Context())) })
			if c.Backup.Artifact.Whole != (tt.says == nil) || (err == nil) != (tt.says == nil) {
				t.Fatalf("whole %v: %v", c.Backup.Artifact.Whole, err)
			}
			for _, part := range tt.says {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error does not say %q: %v", part, err)
				}
			}
			var touched *step.TouchedError
			if errors.As(err, &touched) != (tt.who != "") {
				t.Errorf("error: %v", err)
			}
		})
	}
}
