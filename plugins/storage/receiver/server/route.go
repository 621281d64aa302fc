package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// call is one request of a known client.
type call struct {
	s *Server
	*client
	terms *terms // as they were when the request came
	w     *writer
	r     *http.Request
}

// route is a line of the table of what the server understands.
type route struct {
	method, path string
	elements     []string
	query        []string // the parameters that may stand in the query
	handle       func(c *call) error
}

func (s *Server) table() []route {
	all := []route{
		{http.MethodGet, wire.PathHealth, nil, nil, health},
		{http.MethodGet, wire.PathCheck, nil, nil, check},
		{http.MethodPost, wire.PathUploads, nil, nil, begin},
		{http.MethodGet, wire.PathChunks, nil, nil, listChunks},
		{http.MethodPut, wire.PathChunk, nil, nil, putChunk},
		{http.MethodPost, wire.PathCommit, nil, nil, commit},
		{http.MethodDelete, wire.PathUpload, nil, nil, abort},
		{http.MethodGet, wire.PathObjects, nil, []string{"prefix"}, list},
		{http.MethodGet, wire.PathObject, nil, []string{"key"}, stat},
		{http.MethodDelete, wire.PathObject, nil, []string{"key"}, remove},
		{http.MethodGet, wire.PathContent, nil, []string{"key", "offset", "length"}, content},
		{http.MethodGet, wire.PathDigest, nil, []string{"key", "offset", "length"}, digest},
	}
	for i := range all {
		all[i].elements = strings.Split(all[i].path, "/")
	}
	return all
}

// find returns the route of a request and sets its path values.
func (s *Server) find(r *http.Request) (*route, error) {
	elements := strings.Split(r.URL.EscapedPath(), "/")
	known := false
	for i := range s.routes {
		t := &s.routes[i]
		if !match(t.elements, elements) {
			continue
		}
		known = true
		if t.method != r.Method {
			continue
		}
		for i, e := range t.elements {
			if name, ok := strings.CutPrefix(e, "{"); ok {
				r.SetPathValue(strings.TrimSuffix(name, "}"), elements[i])
			}
		}
		return t, nil
	}
	if known {
		return nil, errs.New(errs.Unsupported, "%.20s does not go with this path", r.Method)
	}
	return nil, errs.New(errs.NotFound, "there is no such path")
}

func match(want, got []string) bool {
	if len(want) != len(got) {
		return false
	}
	for i, e := range want {
		if !strings.HasPrefix(e, "{") && e != got[i] {
			return false
		}
	}
	return true
}

// ServeHTTP answers one request, whatever happens in it.
func (s *Server) ServeHTTP(raw http.ResponseWriter, r *http.Request) {
	began := time.Now()
	own, _ := r.Context().Value(connKey{}).(*conn)
	own.handled.Add(1)
	w := &writer{ResponseWriter: raw, control: http.NewResponseController(raw)}
	name, path := own.cert.Load().Subject.CommonName, "none"
	t, err := s.find(r)
	if err == nil {
		path = t.path
		err = s.answer(own, name, t, w, r)
	}
	if err != nil {
		s.fail(w, err)
	}
	s.metrics.requests.WithLabelValues(name, path, strconv.Itoa(w.status())).Inc()
	s.record(r, w, name, path, time.Since(began), err)
}

// answer runs a handler. A panic is an error of the server, and ends one request only.
func (s *Server) answer(own *conn, name string, t *route, w *writer, r *http.Request) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("panic", "value", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = errs.New(errs.Permanent, "the receiver has a bug; its log tells more")
		}
	}()
	if s.revoked(own) {
		return errs.New(errs.Permission, "the certificate was revoked")
	}
	if err := checkQuery(r, t.query); err != nil {
		return err
	}
	if r.Method != http.MethodPut && r.Method != http.MethodPost && r.ContentLength != 0 {
		return errs.New(errs.Invalid, "%s takes no body", r.Method)
	}
	c, err := s.clients.get(r.Context(), name, s.config.Load().Policy)
	if err != nil {
		return err
	}
	return t.handle(&call{s: s, client: c, terms: c.terms.Load(), w: w, r: r})
}

// fail sends an error, unless the answer has begun: then the connection is cut, which the client cannot overlook.
func (s *Server) fail(w *writer, err error) {
	if w.begun() {
		if !w.whole {
			_ = w.control.SetReadDeadline(time.Now())
			_ = w.control.SetWriteDeadline(time.Now())
		}
		return
	}
	// What is left of the body is read before the answer goes out: for a moment, not for as long as the client likes.
	_ = w.control.SetReadDeadline(time.Now().Add(time.Second))
	e := wire.ErrorOf(err)
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(e.RetryAfter, 10))
	}
	_ = sendJSON(w, wire.StatusOf(e.Kind), e) // a client that is gone needs no answer
}

// sendJSON sends a whole answer.
func sendJSON(w *writer, status int, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	w.Header().Set("Content-Type", wire.JSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.whole = true
	w.WriteHeader(status)
	_, err = w.Write(text)
	return err
}

// record writes the access log.
func (s *Server) record(r *http.Request, w *writer, name, path string, took time.Duration, err error) {
	attrs := []any{"client", name, "remote", r.RemoteAddr, "method", r.Method, "route", path, "target", cut(r.RequestURI),
		"status", w.status(), "received", w.received, "sent", w.sent, "seconds", took.Seconds()}
	if err != nil {
		attrs = append(attrs, "kind", string(errs.KindOf(err)), "error", cut(err.Error()))
	}
	s.access.LogAttrs(context.Background(), 0, "request", toAttrs(attrs)...)
}

// cut keeps a record short.
func cut(text string) string { return text[:min(len(text), 1024)] }
