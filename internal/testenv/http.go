package testenv

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// needs fails a test whose server is not installed, with the command that installs it.
func needs(t testing.TB, path, component string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not installed; type: %s", component, install.Command(component))
	}
}

// launch starts a server of another vendor, whose output goes to a file. Its command line must name the directory of the
// test, so that the reaper ends it. The channel is closed when it has ended by itself.
func launch(t testing.TB, logFile string, cmd *exec.Cmd) <-chan struct{} {
	t.Helper()
	detach(cmd)
	out, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	_ = out.Close() // the server has its own descriptor
	ended := make(chan struct{})
	go func() { // reaps the server; ends with it, which the reaper of its directory sees to
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(logFile)
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			t.Logf("the end of %s:\n%s", logFile, strings.Join(lines[max(0, len(lines)-20):], "\n"))
		}
	})
	return ended
}

// awaitHTTP waits until a server answers three requests in a row with a status that counts as serving.
func awaitHTTP(t testing.TB, url string, ended <-chan struct{}, serving func(status int) bool) {
	t.Helper()
	client := &http.Client{Transport: loopback(), Timeout: 20 * time.Second}
	good := 0
	for deadline := time.Now().Add(patience); good < 3; {
		status, err := get(t.Context(), client, url)
		if err == nil && serving(status) {
			good++
			continue
		}
		good = 0
		select {
		case <-ended:
			t.Fatalf("the server at %s has ended by itself", url)
		case <-time.After(30 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server at %s does not serve within %s: status %d, error %v", url, patience, status, err)
		}
	}
}

func get(ctx context.Context, client *http.Client, url string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, err
}

// loopback is a transport to servers of a test, whatever their certificate and the proxies of the environment.
func loopback() *http.Transport {
	anyone := &tls.Config{InsecureSkipVerify: true} // a test's own server
	return &http.Transport{TLSClientConfig: anyone, MaxIdleConnsPerHost: 16}
}
