package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
)

// Servers that are built from source, from Go's module proxy.
const (
	VersityGW = "versitygw" // S3 on top of a file system
	MinIO     = "minio"
	FakeGCS   = "fake-gcs" // Google Cloud Storage
)

// source is a Go program at a version.
type source struct {
	pkg, version, tags string
}

// sourceOf returns the program of a component; ok is false for one that is not built.
func sourceOf(component string) (s source, ok bool) {
	s, ok = map[string]source{
		VersityGW: {"github.com/versity/versitygw/cmd/versitygw", "v1.8.0", ""},
		FakeGCS:   {"github.com/fsouza/fake-gcs-server", "v1.56.1", ""},
		MinIO:     {"github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c", "kqueue"},
	}[component]
	return s, ok
}

// binary is where a built program lies in the cache.
func (s source) binary(cache string) string {
	return filepath.Join(cache, "bin", strings.Join([]string{path.Base(s.pkg), s.version, runtime.GOARCH}, "-"))
}

// Built returns the path of a built program, or an error that names the command which builds it.
func Built(component string) (string, error) {
	s, ok := sourceOf(component)
	if !ok {
		return "", fmt.Errorf("%s is not built from source", component)
	}
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	file := s.binary(cache)
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("%s for tests is not there (%w); install it with: %s", component, err, Command(component))
	}
	return file, nil
}

// build compiles a program unless it is there, outside of any module and with nothing but its own version's requirements.
func (s source) build(ctx context.Context, log io.Writer, cache string) (err error) {
	file := s.binary(cache)
	if _, err := os.Stat(file); err == nil {
		return nil
	}
	dir, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say(log, "building %s@%s from source; this takes a few minutes, once", s.pkg, s.version)
	_, err = run(ctx, dir, nil, "env", "GOBIN="+dir, "GOFLAGS=", "CGO_ENABLED=0",
		"go", "install", "-trimpath", "-ldflags=-s -w", "-tags="+s.tags, s.pkg+"@"+s.version)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.Rename(filepath.Join(dir, path.Base(s.pkg)), file)
}
