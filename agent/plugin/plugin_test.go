//go:build linux

package plugin_test

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
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/plugin"
	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// TestMain lets this binary stand in for drydock: "plugin serve KIND NAME" serves one of the providers below.
func TestMain(m *testing.M) {
	thirdParty()
	if len(os.Args) == 5 && os.Args[1] == "plugin" && os.Args[2] == "serve" {
		switch os.Args[3] + "/" + os.Args[4] {
		case "storage/dir":
			storage.Serve(dirProvider())
		case "compress/flate":
			compress.Serve(flateProvider())
		case "notify/null":
			notify.Serve(nullProvider())
		}
		os.Exit(0)
	}
	if os.Getenv("DRYDOCK_PLUGIN") != "" {
		os.Exit(2) // started as a provider that it does not know: it must not run the tests, which would start it again
	}
	os.Exit(m.Run())
}

type dirConfig struct {
	Path string `hcl:"path"`
}

// dir is as much of a storage provider as these tests need: Stat tells the size of a file.
type dir struct {
	storage.Storage
	path string
}

func dirProvider() storage.Provider {
	return storage.NewProvider("dir", "1.2.3", "A directory.", func(_ context.Context, c *dirConfig) (storage.Storage, error) {
		if !filepath.IsAbs(c.Path) {
			return nil, schema.Invalid("path", "path is not absolute", "write it from the root on")
		}
		return &dir{path: c.Path}, nil
	})
}

func (d *dir) Stat(ctx context.Context, key string) (storage.Object, error) {
	switch key {
	case "die":
		os.Exit(3)
	case "hang":
		<-ctx.Done()
	}
	info, err := os.Stat(filepath.Join(d.path, key))
	if err != nil {
		return storage.Object{}, errs.Wrap(errs.NotFound, err, "stat %s", key)
	}
	return storage.Object{Key: key, Size: info.Size()}, nil
}

func (d *dir) ReadRange(_ context.Context, key string, offset, length int64, w io.Writer) error {
	f, err := os.Open(filepath.Join(d.path, key))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, io.NewSectionReader(f, offset, length))
	return err
}

func (d *dir) Check(context.Context) (storage.Capacity, error) {
	return storage.Capacity{Free: 7, Total: 8}, nil
}

func (d *dir) Digest(ctx context.Context, key string, offset, length int64) ([32]byte, error) {
	h := sha256.New()
	err := d.ReadRange(ctx, key, offset, length, h)
	return [32]byte(h.Sum(nil)), err
}

type none struct{}

type flater struct{}

func flateProvider() compress.Provider {
	return compress.NewProvider("flate", "1", "", func(context.Context, *none) (compress.Compressor, error) { return flater{}, nil })
}

func (flater) Method() uint16  { return 8 }
func (flater) Bound(n int) int { return n + 1024 }
func (flater) Trailer() []byte { return nil }

func (flater) Compress(dst, frame []byte) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	w, err := flate.NewWriter(b, 1)
	if err == nil {
		_, err = w.Write(frame)
	}
	return b.Bytes(), errors.Join(err, w.Flush())
}

func (flater) Decompress(dst, frame []byte, size int) ([]byte, error) {
	out := append(dst, make([]byte, size)...)
	_, err := io.ReadFull(flate.NewReader(bytes.NewReader(frame)), out[len(dst):])
	return out, err
}

type null struct{}

func nullProvider() notify.Provider {
	return notify.NewProvider("null", "1", "", func(context.Context, *none) (notify.Notifier, error) { return null{}, nil })
}

func (null) Send(_ context.Context, e notify.Event) error {
	if e.Type == "die" {
		panic("no more events")
	}
	return nil
}

// newHost returns a host over the providers above; it must leave nothing behind.
func newHost(t *testing.T, log io.Writer) *plugin.Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	runtime, err := os.MkdirTemp("", "ddh")
	if err != nil {
		t.Fatal(err)
	}
	d, c, n := dirProvider(), flateProvider(), nullProvider()
	h, err := plugin.NewHost(plugin.Options{
		Self: self, RuntimeDir: runtime, Log: slog.New(slog.NewTextHandler(log, nil)),
		Builtins: []plugin.Builtin{
			{Kind: storage.Kind, Name: d.Name, Version: d.Version, Doc: d.Doc, Schema: d.Schema},
			{Kind: storage.Kind, Name: "absent", Schema: d.Schema}, // in the list, but not in the binary
			{Kind: compress.Kind, Name: c.Name, Schema: c.Schema},
			{Kind: notify.Kind, Name: n.Name, Schema: n.Schema},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeHost(t, h)
		if err := os.Remove(runtime); err != nil {
			t.Errorf("the runtime directory is not empty: %v", err)
		}
	})
	return h
}

func closeHost(t *testing.T, h *plugin.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
}

func target(path, label string) job.Provider {
	return job.Provider{Type: "dir", Label: label, Config: fmt.Appendf(nil, `{"path": %q}`, path)}
}

// TestSchema reads schemas without a process; an unknown name lists the known ones.
func TestSchema(t *testing.T) {
	h := newHost(t, io.Discard)
	s, err := h.Schema(t.Context(), "storage", "dir")
	if err != nil || s.Attribute("path") == nil {
		t.Errorf("%v, %v", s, err)
	}
	_, err = h.Schema(t.Context(), "storage", "s3")
	var unknown *plugin.UnknownProviderError
	if !errors.As(err, &unknown) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&plugin.UnknownProviderError{Kind: "storage", Name: "s3", Known: []string{"absent", "dir"}}, unknown); diff != "" {
		t.Error(diff)
	}
	if _, err := h.Storage(t.Context(), job.Provider{Type: "s3"}); !errors.As(err, &unknown) {
		t.Errorf("storage: %v", err)
	}
	waitFor(t, "no process is left", func() bool { return len(h.Processes()) == 0 })
}

// TestOptions refuses lists that cannot be right.
func TestOptions(t *testing.T) {
	s := &schema.Schema{}
	for name, o := range map[string]plugin.Options{
		"no executable": {},
		"bad kind":      {Self: "x", Builtins: []plugin.Builtin{{Kind: "disk", Name: "a", Schema: s}}},
		"no schema":     {Self: "x", Builtins: []plugin.Builtin{{Kind: "storage", Name: "a"}}},
		"twice":         {Self: "x", Builtins: []plugin.Builtin{{Kind: "storage", Name: "a", Schema: s}, {Kind: "storage", Name: "a", Schema: s}}},
		"no directory":  {Self: "x", RuntimeDir: "/does/not/exist"},
	} {
		if _, err := plugin.NewHost(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestProviders runs one provider of each kind, sees their processes, and ends them all.
func TestProviders(t *testing.T) {
	h := newHost(t, io.Discard)
	path := t.TempDir()
	if err := os.WriteFile(filepath.Join(path, "o"), []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := h.Storage(t.Context(), target(path, "nas"))
	if err != nil {
		t.Fatal(err)
	}
	if o, err := s.Stat(t.Context(), "o"); err != nil || o.Size != 5 {
		t.Errorf("%+v, %v", o, err)
	}
	var got bytes.Buffer
	if err := s.ReadRange(t.Context(), "o", 1, 3, &got); err != nil || got.String() != "234" {
		t.Errorf("%q, %v", &got, err)
	}
	if c, err := s.(storage.Checker).Check(t.Context()); err != nil || c.Free != 7 {
		t.Errorf("%+v, %v", c, err)
	}
	if sum, err := s.(storage.Digester).Digest(t.Context(), "o", 0, 5); err != nil || sum != sha256.Sum256([]byte("12345")) {
		t.Errorf("%x, %v", sum, err)
	}
	n, err := h.Notifier(t.Context(), job.Provider{Type: "null", Label: "dba"})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Send(t.Context(), notify.Event{}); err != nil {
		t.Error(err)
	}
	f, err := h.Frames(t.Context(), job.Provider{Type: "flate"}, host.FrameOptions{FrameSize: 1 << 16, Slots: 2})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range h.Processes() {
		names = append(names, p.Kind+"/"+p.Name+"/"+p.Label)
		if syscall.Kill(p.PID, 0) != nil {
			t.Errorf("%+v does not run", p)
		}
	}
	if diff := cmp.Diff([]string{"compress/flate/", "notify/null/dba", "storage/dir/nas"}, names); diff != "" {
		t.Error(diff)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	waitFor(t, "the compressor ends with its frames", func() bool { return len(h.Processes()) == 2 })
	pids := h.Processes()
	closeHost(t, h)
	closeHost(t, h)
	for _, p := range pids {
		if syscall.Kill(p.PID, 0) == nil {
			t.Errorf("%+v outlives its host", p)
		}
	}
	if _, err := s.Stat(t.Context(), "o"); err == nil {
		t.Error("a call after close succeeded")
	}
	if _, err := h.Storage(t.Context(), target(path, "nas")); err == nil {
		t.Error("a start after close succeeded")
	}
}

func waitFor(t *testing.T, what string, reached func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !reached(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("timeout: ", what)
		}
	}
}

// TestConfigError shows a provider's own check with its path, and that no process stays after it.
func TestConfigError(t *testing.T) {
	h := newHost(t, io.Discard)
	_, err := h.Storage(t.Context(), target("relative", "nas"))
	var refused *plugin.ConfigError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	want := []schema.Diagnostic{{Path: []string{"path"}, Summary: "path is not absolute", Detail: "write it from the root on"}}
	if diff := cmp.Diff(want, refused.Diagnostics); diff != "" || refused.Provider.Label != "nas" {
		t.Error(refused.Provider, diff)
	}
	if text := `configure dir "nas": path: path is not absolute: write it from the root on`; err.Error() != text {
		t.Errorf("%q, want %q", err, text)
	}
	waitFor(t, "the process ends", func() bool { return len(h.Processes()) == 0 })
	if _, err := h.Storage(t.Context(), job.Provider{Type: "absent"}); err == nil || !strings.Contains(err.Error(), `start storage provider "absent"`) {
		t.Errorf("a provider that is not served: %v", err)
	}
}

// TestRestart lets providers die: the call fails with the reason and can be retried, the next one finds a new process.
func TestRestart(t *testing.T) {
	var log syncBuffer
	h := newHost(t, &log)
	s, err := h.Storage(t.Context(), target(t.TempDir(), "nas"))
	if err != nil {
		t.Fatal(err)
	}
	first := h.Processes()[0].PID
	for range 2 {
		_, err := s.Stat(t.Context(), "die")
		var exit *host.ExitError
		if _, again := errs.Retryable(err); !again || !errors.As(err, &exit) || !strings.Contains(err.Error(), "exit status 3") {
			t.Fatalf("death: %v", err)
		}
		if _, err := s.Stat(t.Context(), "none"); !errs.Is(err, errs.NotFound) {
			t.Fatalf("after a restart: %v", err)
		}
	}
	if now := h.Processes(); len(now) != 1 || now[0].PID == first {
		t.Errorf("processes %v, the first was %d", now, first)
	}
	for _, want := range []string{"level=ERROR msg=\"provider process died\" label=nas", "level=WARN msg=\"provider is started again\""} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, &log)
		}
	}
	n, err := h.Notifier(t.Context(), job.Provider{Type: "null"})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Send(t.Context(), notify.Event{Type: "die"}); err == nil || !strings.Contains(err.Error(), "panic: no more events") {
		t.Errorf("panic: %v", err)
	}
	if err := n.Send(t.Context(), notify.Event{}); err != nil {
		t.Errorf("after the panic: %v", err)
	}
}

// TestRestartLimit gives up a provider that dies again and again.
func TestRestartLimit(t *testing.T) {
	h := newHost(t, io.Discard)
	s, err := h.Storage(t.Context(), target(t.TempDir(), "nas"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if _, err := s.Stat(t.Context(), "die"); !errs.Is(err, errs.Transient) {
			t.Fatalf("death %d: %v", i, err)
		}
	}
	_, err = s.Stat(t.Context(), "none")
	if !errs.Is(err, errs.Permanent) || !strings.Contains(err.Error(), "given up after 5 restarts") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
}

// TestCloseDuringCalls closes the host while calls and starts are under way.
func TestCloseDuringCalls(t *testing.T) {
	h := newHost(t, io.Discard)
	s, err := h.Storage(t.Context(), target(t.TempDir(), "nas"))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := s.Stat(t.Context(), "hang"); err == nil {
			t.Error("the call succeeded")
		}
	})
	all.Go(func() { _, _ = h.Storage(t.Context(), target("/tmp", "late")) })
	time.Sleep(20 * time.Millisecond)
	closeHost(t, h)
	all.Wait()
	if now := h.Processes(); len(now) != 0 {
		t.Errorf("processes %v", now)
	}
}

// TestEnvironment shows that credentials in the agent's environment do not reach a provider.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter22")
	t.Setenv("MYSQL_PWD", "hunter22")
	t.Setenv("TZ", "Europe/Berlin")
	h := newHost(t, io.Discard)
	if _, err := h.Storage(t.Context(), target("/tmp/hunter33", "nas")); err != nil {
		t.Fatal(err)
	}
	pid := h.Processes()[0].PID
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil || strings.Contains(string(env), "hunter") || !strings.Contains(string(env), "TZ=Europe/Berlin\x00") {
		t.Errorf("environment %q, %v", env, err)
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if _, rest, _ := strings.Cut(string(args), "\x00"); err != nil || rest != "plugin\x00serve\x00storage\x00dir\x00" {
		t.Errorf("arguments %q, %v", args, err)
	}
}

// syncBuffer is a buffer that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
