package host_test

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// The providers below run in processes of their own. Keys that start with "!" make them misbehave.

type dirConfig struct {
	Path   string        `hcl:"path" doc:"Where the objects are."`
	Secret schema.Secret `hcl:"secret,optional"`
	Do     string        `hcl:"do,optional" doc:"Misbehaviour at the start."`
}

// dirStore keeps objects in files named after the escaped key.
type dirStore struct {
	dir    string
	secret string
	mu     sync.Mutex
	open   map[string]storage.Upload
}

func openDir(_ context.Context, c *dirConfig) (storage.Storage, error) {
	switch c.Do {
	case "diagnose":
		return nil, errors.Join(schema.Invalid("path", "path is not good: "+c.Secret.Reveal(), "use another"), schema.Invalid("", "bad", ""))
	case "fail":
		return nil, errs.New(errs.Permission, "no way in with %s", c.Secret.Reveal())
	case "log":
		slog.Info("opened", "path", c.Path, "secret", c.Secret.Reveal())
		slog.Error("grouped", slog.Group("g", "secret", c.Secret.Reveal()), "n", 1)
		slog.Debug("details")
		slog.Warn("beware of " + c.Secret.Reveal())
		fmt.Println("stray print with", c.Secret.Reveal())
		fmt.Fprintln(os.Stderr, "stray error print")
	}
	return &fullStore{dirStore{dir: c.Path, secret: c.Secret.Reveal(), open: map[string]storage.Upload{}}}, nil
}

type fullStore struct{ dirStore }

func openPlain(_ context.Context, c *dirConfig) (storage.Storage, error) {
	return &dirStore{dir: c.Path, open: map[string]storage.Upload{}}, nil
}

func (s *dirStore) path(key string) string {
	return filepath.Join(s.dir, strings.ReplaceAll(key, "/", "%"))
}

func (s *dirStore) Begin(ctx context.Context, up storage.Upload) (string, error) {
	if kind, ok := strings.CutPrefix(up.Key, "!kind:"); ok {
		return "", fmt.Errorf("outside: %w", &errs.Error{Kind: errs.Kind(kind), Op: "begin it", RetryAfter: 1500 * time.Millisecond,
			Err: errors.New("because")})
	}
	switch up.Key {
	case "!plain":
		return "", errors.New("no kind at all")
	case "!canceled":
		return "", fmt.Errorf("inside: %w", context.Canceled)
	case "!deadline":
		return "", errs.Wrap(errs.Canceled, context.DeadlineExceeded, "inside")
	case "!own-deadline":
		inner, cancel := context.WithTimeout(ctx, time.Millisecond)
		defer cancel()
		<-inner.Done()
		return "", fmt.Errorf("dial: %w", inner.Err())
	case "!secret":
		return "", errs.New(errs.Permission, "key %s refused", s.secret)
	case "!panic":
		panic("boom " + s.secret)
	case "!exit":
		slog.Error("cannot go on", "error", "disk on fire")
		os.Exit(9)
	case "!hang":
		select {} // ignores its context
	case "!slow":
		<-ctx.Done()
		return "", ctx.Err()
	case "!child":
		return "child", sleeper(s.dir)
	case "!env":
		return strings.Join(os.Environ(), "\n"), nil
	case "!stdin":
		n, err := os.Stdin.Read(make([]byte, 1))
		return fmt.Sprint(n, err), nil
	}
	if _, err := os.Stat(s.path(up.Key)); err == nil {
		return "", errs.New(errs.Exists, "begin %s: it exists", up.Key)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[up.Key] = up
	return up.Key, nil
}

func (s *dirStore) PutChunk(_ context.Context, token string, c storage.Chunk) error {
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	data := make([]byte, c.Length)
	if _, err := f.ReadAt(data, c.FileOffset); err != nil {
		return err
	}
	if sha256.Sum256(data) != c.SHA256 {
		return errs.New(errs.Corrupt, "put chunk %d: wrong digest", c.Index)
	}
	return os.WriteFile(s.path(token)+"."+strconv.Itoa(c.Index), data, 0o600)
}

func (s *dirStore) ListChunks(_ context.Context, token string) ([]storage.ChunkInfo, error) {
	var n int
	if _, err := fmt.Sscanf(token, "!many:%d", &n); err == nil {
		list := make([]storage.ChunkInfo, n)
		for i := range list {
			list[i] = storage.ChunkInfo{Index: i, Length: int64(i), SHA256: sha256.Sum256([]byte{byte(i)})}
		}
		return list, nil
	}
	if _, ok := s.open[token]; !ok {
		return nil, errs.New(errs.NotFound, "no upload %s", token)
	}
	var list []storage.ChunkInfo
	for i := 0; ; i++ {
		data, err := os.ReadFile(s.path(token) + "." + strconv.Itoa(i))
		if err != nil {
			return list, nil
		}
		list = append(list, storage.ChunkInfo{Index: i, Length: int64(len(data)), SHA256: sha256.Sum256(data)})
	}
}

func (s *dirStore) Commit(ctx context.Context, token string, size int64) error {
	chunks, err := s.ListChunks(ctx, token)
	if err != nil {
		return err
	}
	var all []byte
	for _, c := range chunks {
		data, err := os.ReadFile(s.path(token) + "." + strconv.Itoa(c.Index))
		if err != nil {
			return err
		}
		all = append(all, data...)
	}
	if int64(len(all)) != size {
		return errs.New(errs.Invalid, "commit: %d bytes, not %d", len(all), size)
	}
	return os.WriteFile(s.path(token), all, 0o600)
}

func (s *dirStore) Abort(context.Context, string) error { return nil }

func (s *dirStore) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	switch key {
	case "!short":
		_, err := w.Write(make([]byte, length/2))
		return err
	case "!half":
		_, err := w.Write(make([]byte, length/2))
		return errors.Join(err, errs.New(errs.Transient, "connection reset"))
	case "!long":
		_, err := w.Write(make([]byte, length+1))
		return err
	case "!endless":
		for {
			if _, err := w.Write(make([]byte, 1<<16)); err != nil {
				return err
			}
		}
	case "!hang":
		select {}
	case "!slow":
		<-ctx.Done()
		return ctx.Err()
	}
	f, err := os.Open(s.path(key))
	if err != nil {
		return errs.Wrap(errs.NotFound, err, "read %s", key)
	}
	defer f.Close()
	if _, err := io.Copy(w, io.NewSectionReader(f, offset, length)); err != nil {
		return err
	}
	return nil
}

func (s *dirStore) Stat(_ context.Context, key string) (storage.Object, error) {
	info, err := os.Stat(s.path(key))
	if err != nil {
		return storage.Object{}, errs.Wrap(errs.NotFound, err, "stat %s", key)
	}
	return storage.Object{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil
}

func (s *dirStore) List(_ context.Context, prefix string, yield func(storage.Object) error) error {
	var n int
	if _, err := fmt.Sscanf(prefix, "!many:%d", &n); err != nil {
		return errs.New(errs.Invalid, "list %s: what?", prefix)
	}
	for i := range n {
		if err := yield(storage.Object{Key: fmt.Sprintf("k%06d", i), Size: int64(i), Modified: time.Unix(0, int64(i)+1)}); err != nil {
			return err
		}
	}
	return nil
}

func (s *dirStore) Delete(_ context.Context, key string) error {
	if err := os.Remove(s.path(key)); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// Close leaves a mark that shows that Stop was graceful.
func (s *dirStore) Close() error { return os.WriteFile(filepath.Join(s.dir, "closed"), nil, 0o600) }

func (s *fullStore) Check(context.Context) (storage.Capacity, error) {
	return storage.Capacity{Free: 12, Total: -1}, nil
}

func (s *fullStore) Digest(ctx context.Context, key string, offset, length int64) ([32]byte, error) {
	h := sha256.New()
	if err := s.ReadRange(ctx, key, offset, length, h); err != nil {
		return [32]byte{}, err
	}
	return [32]byte(h.Sum(nil)), nil
}

type flateConfig struct {
	Level int    `hcl:"level,optional" default:"1"`
	Do    string `hcl:"do,optional"`
}

// flateCompressor is deflate by the standard library; "identity" copies.
type flateCompressor struct {
	config  flateConfig
	slots   int
	writers sync.Pool // of *flate.Writer
}

func openFlate(_ context.Context, c *flateConfig) (compress.Compressor, error) {
	return &flateCompressor{config: *c}, nil
}

func (c *flateCompressor) Method() uint16 {
	if c.config.Do == "identity" {
		return 0
	}
	return 8
}
func (c *flateCompressor) Bound(n int) int      { return n + n/1000 + 64 }
func (c *flateCompressor) Trailer() []byte      { return []byte{0x03, 0x00, byte(c.slots)} }
func (c *flateCompressor) SetConcurrency(n int) { c.slots = n }

func (c *flateCompressor) Compress(dst, frame []byte) ([]byte, error) {
	switch c.config.Do {
	case "identity":
		return append(dst, frame...), nil
	case "overflow":
		return make([]byte, 4*len(frame)+1<<20), nil
	case "hang":
		select {}
	case "panic":
		panic("compressor blew up")
	case "fail":
		return nil, errs.New(errs.Transient, "not now")
	}
	b := bytes.NewBuffer(dst)
	w, ok := c.writers.Get().(*flate.Writer)
	if !ok {
		var err error
		if w, err = flate.NewWriter(nil, c.config.Level); err != nil {
			return nil, err
		}
	}
	defer c.writers.Put(w)
	w.Reset(b)
	if _, err := w.Write(frame); err != nil {
		return nil, err
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (c *flateCompressor) Decompress(dst, frame []byte, size int) ([]byte, error) {
	if c.config.Do == "identity" {
		return append(dst, frame...), nil
	}
	r := flate.NewReader(bytes.NewReader(frame))
	out := dst[:cap(dst)]
	if cap(dst) < size {
		out = make([]byte, size)
	}
	if _, err := io.ReadFull(r, out[:size]); err != nil {
		return nil, errs.Wrap(errs.Corrupt, err, "decompress")
	}
	return out[:size], nil
}

type logConfig struct {
	Path string `hcl:"path"`
}

// logNotifier appends the events to a file.
type logNotifier struct{ path string }

func openLog(_ context.Context, c *logConfig) (notify.Notifier, error) {
	return &logNotifier{c.Path}, nil
}

func (n *logNotifier) Send(_ context.Context, e notify.Event) error {
	if e.Type == "refuse" {
		return &errs.Error{Kind: errs.Throttled, RetryAfter: time.Minute, Err: errors.New("slow down")}
	}
	return os.WriteFile(n.path, fmt.Appendf(nil, "%+v", e), 0o600)
}
