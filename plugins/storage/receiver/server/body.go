package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// slowest is how many bytes a client must send per second in the long run.
const slowest = 16 << 10

// bytesOf is the body of a chunk: counted, held to the client's rate, and ended when the client falls asleep.
type bytesOf struct {
	ctx     context.Context
	call    *call
	limit   *rate.Limiter
	stall   time.Duration
	began   time.Time
	renewed time.Time
	waited  time.Duration // for the rate, which is not the client's fault
	got     int64
	count   func(n int)
}

func newBytesOf(c *call) *bytesOf {
	counter := c.s.metrics.received.WithLabelValues(c.name)
	return &bytesOf{
		ctx: c.r.Context(), call: c, limit: c.terms.in, stall: c.s.config.Load().StallTimeout, began: time.Now(),
		count: func(n int) { counter.Add(float64(n)); c.w.received += int64(n) },
	}
}

// Read reads at most burst bytes.
func (b *bytesOf) Read(p []byte) (int, error) {
	p = p[:min(len(p), burst)]
	b.await()
	n, err := b.call.r.Body.Read(p)
	b.got += int64(n)
	b.count(n)
	if b.limit != nil && n > 0 {
		before := time.Now()
		if e := b.limit.WaitN(b.ctx, n); e != nil {
			return n, errs.Wrap(errs.Transient, e, "wait for the client's rate")
		}
		b.waited += time.Since(before)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = errs.Wrap(errs.Transient, err, "the bytes stop after %d", b.got)
	}
	return n, err
}

// await sets the time by which more bytes must have come.
func (b *bytesOf) await() {
	now := time.Now()
	if now.Sub(b.renewed) < b.stall/8 {
		return
	}
	b.renewed = now
	// Not slower than slowest since the beginning, with some time to begin with.
	allowed := 2*b.stall + b.waited + time.Duration(float64(b.got)/slowest*float64(time.Second))
	end := now.Add(b.stall)
	if latest := b.began.Add(allowed); latest.Before(end) {
		end = latest
	}
	_ = b.call.w.control.SetReadDeadline(end)
}

// done takes the deadline off again: the connection serves more requests.
func (b *bytesOf) done() { _ = b.call.w.control.SetReadDeadline(time.Time{}) }

// readJSON reads a small body strictly.
func readJSON(c *call, to any) error {
	_ = c.w.control.SetReadDeadline(time.Now().Add(headerTimeout))
	defer func() { _ = c.w.control.SetReadDeadline(time.Time{}) }()
	if c.r.ContentLength > wire.MaxBody {
		return errs.New(errs.Invalid, "the body has %d bytes, more than %d", c.r.ContentLength, wire.MaxBody)
	}
	text, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, wire.MaxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return errs.New(errs.Invalid, "the body has more than %d bytes", wire.MaxBody)
	}
	if err != nil {
		return errs.Wrap(errs.Transient, err, "read the body")
	}
	return decodeJSON(text, to)
}

// decodeJSON reads one JSON value, with nothing unknown in it and nothing after it.
func decodeJSON(text []byte, to any) error {
	if !utf8.Valid(text) {
		return errs.New(errs.Invalid, "read the body: it is not UTF-8") // which the decoder would mend in silence
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(to); err != nil {
		return errs.Wrap(errs.Invalid, err, "read the body")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errs.New(errs.Invalid, "read the body: more than one JSON value")
	}
	return nil
}
