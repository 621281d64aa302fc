package server

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// writer is an answer, and what is known of it. It is for one goroutine at a time.
type writer struct {
	http.ResponseWriter
	control  *http.ResponseController
	code     int
	whole    bool // the answer says itself whether it is complete
	received int64
	sent     int64
}

// WriteHeader remembers the status.
func (w *writer) WriteHeader(status int) {
	if w.code == 0 && status >= 200 {
		w.code = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (w *writer) Write(p []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what is below.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *writer) begun() bool { return w.code != 0 }

func (w *writer) status() int { return w.code }

// patient gives the client some time to take what is written next.
func (w *writer) patient(stall time.Duration) { _ = w.control.SetWriteDeadline(time.Now().Add(stall)) }

// checkQuery refuses parameters that the server does not know, or that stand twice: a request that means something else
// than the client thinks is worse than one that fails.
func checkQuery(r *http.Request, allowed []string) error {
	if strings.Contains(r.URL.RawQuery, ";") {
		return errs.New(errs.Invalid, "the query holds a semicolon")
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errs.Wrap(errs.Invalid, err, "the query")
	}
	for name, all := range values {
		if !slices.Contains(allowed, name) {
			return errs.New(errs.Invalid, "unknown parameter %.40q", name)
		}
		if len(all) != 1 {
			return errs.New(errs.Invalid, "parameter %q stands %d times", name, len(all))
		}
	}
	return nil
}

func toAttrs(pairs []any) []slog.Attr {
	var attrs []slog.Attr
	for i := 0; i+1 < len(pairs); i += 2 {
		attrs = append(attrs, slog.Any(pairs[i].(string), pairs[i+1]))
	}
	return attrs
}
