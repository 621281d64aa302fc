package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strconv"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// exchange is one request and its answer, watched: when nothing moves for the stall timeout, it is given up.
type exchange struct {
	s      *Storage
	ctx    context.Context
	cancel context.CancelCauseFunc
	watch  *time.Timer
}

func (s *Storage) exchange(ctx context.Context) *exchange {
	ctx, cancel := context.WithCancelCause(ctx)
	x := &exchange{s: s, cancel: cancel}
	x.watch = time.AfterFunc(s.config.StallTimeout, func() { cancel(errStalled) })
	x.ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:        func(httptrace.GotConnInfo) { x.moved() },
		Got1xxResponse: func(int, textproto.MIMEHeader) error { x.moved(); return nil },
		Got100Continue: x.moved,
	})
	return x
}

// moved says that the other side lives.
func (x *exchange) moved() { x.watch.Reset(x.s.config.StallTimeout) }

func (x *exchange) end() {
	x.watch.Stop()
	x.cancel(nil)
}

// because returns why the exchange has ended, when that was not the fault of the connection.
func (x *exchange) because(err error) error {
	if err != nil && x.ctx.Err() != nil {
		return context.Cause(x.ctx)
	}
	return err
}

// send sends a request and returns the answer, when it is a success. The caller closes its body.
func (x *exchange) send(method, path string, query url.Values, body io.Reader, prepare func(*http.Request)) (*http.Response, error) {
	u := url.URL{Scheme: "https", Host: x.s.config.Address, Path: path, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(x.ctx, method, u.String(), body)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "make the request")
	}
	if prepare != nil {
		prepare(r)
	}
	answer, err := x.s.http.RoundTrip(r)
	if err != nil {
		return nil, x.because(err)
	}
	x.moved()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		defer answer.Body.Close()
		return nil, wire.ReadError(answer.StatusCode, answer.Body)
	}
	return answer, nil
}

// call sends a request with a JSON body, or none, and reads a JSON answer, or none.
func (s *Storage) call(ctx context.Context, method, path string, query url.Values, body, to any) error {
	x := s.exchange(ctx)
	defer x.end()
	answer, err := x.sendJSON(method, path, query, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, wire.MaxBody))
	if err != nil || to == nil {
		return x.because(err)
	}
	if err := json.Unmarshal(text, to); err != nil {
		return errs.Wrap(errs.Permanent, err, "understand the answer")
	}
	return nil
}

func (x *exchange) sendJSON(method, path string, query url.Values, body any) (*http.Response, error) {
	if body == nil {
		return x.send(method, path, query, nil, nil)
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "make the request")
	}
	return x.send(method, path, query, bytes.NewReader(text), func(r *http.Request) { r.Header.Set("Content-Type", wire.JSON) })
}

// lines sends a request and calls f for each line of the answer but the last, until f returns an error.
func (s *Storage) lines(ctx context.Context, method, path string, query url.Values, body any, f func(wire.Line) error) error {
	x := s.exchange(ctx)
	defer x.end()
	answer, err := x.sendJSON(method, path, query, body)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	err = readLines(answer.Body, x.moved, f)
	var stopped *stop
	if errors.As(err, &stopped) {
		return stopped.err
	}
	return x.because(err)
}

// stop is what the caller's function has ended a stream with.
type stop struct{ err error }

func (s *stop) Error() string { return s.err.Error() }

// readLines reads a stream to its end. One that has none is an error of the connection.
func readLines(r io.Reader, moved func(), f func(wire.Line) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 4<<10), wire.MaxBody)
	for lines.Scan() {
		moved()
		var line wire.Line
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return errs.Wrap(errs.Transient, err, "understand the answer")
		}
		switch {
		case line.Error != nil:
			return line.Error.Err()
		case line.End:
			return nil
		case line == wire.Line{}:
			continue // a heartbeat
		}
		if err := f(line); err != nil {
			return &stop{err}
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}

func query(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func span(key string, offset, length int64) url.Values {
	return query("key", key, "offset", strconv.FormatInt(offset, 10), "length", strconv.FormatInt(length, 10))
}
