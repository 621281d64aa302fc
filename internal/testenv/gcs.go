package testenv

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// GCSServer is a running fake-gcs-server, behind a handler that adds what the real service enforces and this one does not.
type GCSServer struct {
	Addr     string // host and port
	Endpoint string // with its scheme
	Data     string // directory of the objects
}

// StartGCS starts a fake-gcs-server that ends with the test, and waits until it serves.
func StartGCS(t testing.TB) *GCSServer {
	t.Helper()
	program, err := install.Built(install.FakeGCS)
	if err != nil {
		t.Fatal(err)
	}
	dir, port := Dir(t), strconv.Itoa(freePort(t))
	behind := "http://127.0.0.1:" + port
	front := serveStrictly(t, behind)
	g := &GCSServer{Addr: strings.TrimPrefix(front, "http://"), Endpoint: front, Data: filepath.Join(dir, "data")}
	ended := launch(t, filepath.Join(dir, "log"), exec.CommandContext(context.WithoutCancel(t.Context()), program,
		"-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "filesystem", "-filesystem-root", g.Data,
		"-external-url", front, "-public-host", g.Addr))
	awaitHTTP(t, front+"/storage/v1/b?project=test", ended, func(status int) bool { return status == http.StatusOK })
	return g
}

// Bucket makes a new bucket and returns its name.
func (g *GCSServer) Bucket(t testing.TB) string {
	t.Helper()
	name := "b" + strconv.FormatInt(time.Now().UnixNano(), 36)
	ctx := context.WithoutCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.Endpoint+"/storage/v1/b?project=test",
		strings.NewReader(`{"name": "`+name+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: loopback()}).Do(r)
	if err != nil {
		t.Fatalf("make a bucket: %v", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("make a bucket: %s", answer.Status)
	}
	return name
}

// Behind returns the server as clients see it at another address, such as that of a Front or a Proxy before it.
func (g *GCSServer) Behind(addr string) *GCSServer {
	other := *g
	other.Addr, other.Endpoint = addr, "http://"+addr
	return &other
}

// Target is a job's block for a bucket, with a service account's file.
func (g *GCSServer) Target(t testing.TB, label, bucket string, a *GoogleAccount) string {
	t.Helper()
	file := a.WriteFile(t)
	return fmt.Sprintf(`target "gcs" %q {
    bucket           = %q
    endpoint         = %q
    credentials_file = %q
    prefix           = "mysql/"
  }`, label, bucket, g.Endpoint, file)
}
