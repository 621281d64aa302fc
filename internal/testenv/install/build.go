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

	RestServer = "rest-server" // restic's; for a benchmark only
)

// source is a Go program at a version.
type source struct {
	pkg, version, tags string
	module             string // set: built inside a module that requires this one, for which no list of versions is needed
}

// sourceOf returns the program of a component; ok is false for one that is not built.
func sourceOf(component string) (s source, ok bool) {
	s, ok = map[string]source{
		VersityGW:  {"github.com/versity/versitygw/cmd/versitygw", "v1.8.0", "", ""},
		FakeGCS:    {"github.com/fsouza/fake-gcs-server", "v1.56.1", "", ""},
		MinIO:      {"github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c", "kqueue", ""},
		RestServer: {"github.com/restic/rest-server/cmd/rest-server", "v0.14.0", "", "github.com/restic/rest-server"},
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
	built, pkg := filepath.Join(dir, path.Base(s.pkg)), s.pkg+"@"+s.version
	args := []string{"GOBIN=" + dir, "GOFLAGS=", "CGO_ENABLED=0", "go", "install"}
	if s.module != "" {
		text := fmt.Sprintf("module built\n\nrequire %s %s\n", s.module, s.version)
		if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o600); err != nil {
			return err
		}
		args = []string{"GOFLAGS=", "CGO_ENABLED=0", "go", "build", "-mod=mod", "-o", built}
		pkg = s.pkg
	}
	if _, err = run(ctx, dir, nil, "env", append(args, "-trimpath", "-ldflags=-s -w", "-tags="+s.tags, pkg)...); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.Rename(built, file)
}
