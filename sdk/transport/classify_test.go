package transport_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/transport"
)

func TestStatusKind(t *testing.T) {
	for status, want := range map[int]errs.Kind{
		400: errs.Invalid, 401: errs.Permission, 403: errs.Permission, 404: errs.NotFound, 407: errs.Permission,
		408: errs.Transient, 410: errs.NotFound, 412: errs.Exists, 416: errs.Invalid, 429: errs.Throttled,
		500: errs.Transient, 501: errs.Unsupported, 502: errs.Transient, 503: errs.Throttled, 504: errs.Transient,
		507: errs.NoSpace, 599: errs.Transient, 302: errs.Permanent, 0: errs.Permanent,
	} {
		if got := transport.StatusKind(status); got != want {
			t.Errorf("%d: %q, want %q", status, got, want)
		}
	}
}

// talker answers every connection with something, and closes it.
func talker(t *testing.T, says string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(c).ReadString('\n') // something of the request has come
			_, _ = io.WriteString(c, says)
			_ = c.Close()
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	return l.Addr().String()
}

// R5.3: whatever a connection ends with instead of an answer may end otherwise next time, with the address in the error or
// without it.
func TestKindOfNoAnswer(t *testing.T) {
	rt, err := transport.New(transport.Settings{ConnectTimeout: time.Minute, StallTimeout: time.Minute, ResponseTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"", "HT", "220 smtp.example.com ESMTP\r\n", "HTTP/1.1 200", "HTTP/1.1 two hundred\r\n\r\n", "HTTP/1.1 200 OK\r\nHost"} {
		url := "http://" + talker(t, says) + "/secret"
		_, err := (&http.Client{Transport: rt}).Post(url, "", strings.NewReader("x")) //nolint:bodyclose // there is none
		if err == nil {
			t.Fatalf("%q is an answer", says)
		}
		bare := transport.Bare(fmt.Errorf("put: %w", err))
		for _, err := range []error{err, bare} {
			if kind, ok := transport.Kind(t.Context(), err); kind != errs.Transient || !ok {
				t.Errorf("%q: %v is %q, %v", says, err, kind, ok)
			}
		}
		if strings.Contains(bare.Error(), "secret") {
			t.Errorf("%q: %v", says, bare)
		}
	}
	if other := errs.New(errs.Invalid, "x"); !errors.Is(transport.Bare(other), other) || transport.Bare(nil) != nil {
		t.Error("another error is changed")
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "", 0},
		{"Retry-After", "7", 7 * time.Second},
		{"Retry-After", " 7 ", 7 * time.Second},
		{"Retry-After", "-7", 0},
		{"Retry-After", "999999", time.Hour},
		{"Retry-After", "99999999999999999999", 0},
		{"Retry-After", "soon", 0},
		{"Retry-After", "Sat, 28 Nov 2026 12:00:30 GMT", 30 * time.Second},
		{"Retry-After", "Sat, 28 Nov 2026 11:00:30 GMT", 0},
		{"Retry-After", "Sat, 28 Nov 2099 11:00:30 GMT", time.Hour},
		{"Retry-After-Ms", "250", 250 * time.Millisecond},
		{"X-Ms-Retry-After-Ms", "1500", 1500 * time.Millisecond},
		{"X-Ms-Retry-After-Ms", "x", 0},
	} {
		if got := transport.RetryAfter(http.Header{tc.name: {tc.value}}, now); got != tc.want {
			t.Errorf("%s: %s: %s, want %s", tc.name, tc.value, got, tc.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"7", "Sat, 28 Nov 2026 12:00:30 GMT", "-1", "1e9", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := http.Header{"Retry-After": {text}, "Retry-After-Ms": {text}}
		if d := transport.RetryAfter(h, time.Unix(0, 0)); d < 0 || d > time.Hour {
			t.Errorf("%q: %s", text, d)
		}
	})
}
