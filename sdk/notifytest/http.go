package notifytest

import (
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// HTTP is a Receiver that listens on a port of this host.
type HTTP struct {
	server  *httptest.Server
	options HTTPOptions
	ended   chan struct{}
	end     sync.Once

	mu         sync.Mutex
	answer     Answer
	deliveries []Delivery
	requests   []*http.Request
}

// HTTPOptions says where a notifier puts what a receiver looks for.
type HTTPOptions struct {
	IDHeader    string   // the header with the event's id; empty: one of IDHeaders, else the member "id" of a JSON body
	TextHeaders []string // headers that a person sees besides the body, such as a title
}

// IDHeaders are the headers in which an id is looked for when nothing else is said.
func IDHeaders() []string {
	return []string{"Webhook-Id", "Idempotency-Key", "X-Event-Id", "X-Message-Id"}
}

// NewHTTP starts a receiver. header is the request header that carries the event's id.
func NewHTTP(t T, header string) *HTTP { return NewHTTPWith(t, HTTPOptions{IDHeader: header}) }

// NewHTTPWith starts a receiver.
func NewHTTPWith(t T, o HTTPOptions) *HTTP {
	h := &HTTP{options: o, answer: Accept, ended: make(chan struct{})}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// Address is the server's address, without a path.
func (h *HTTP) Address() string { return h.server.URL }

// Answer sets how requests are answered from now on.
func (h *HTTP) Answer(a Answer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = a
}

// Deliveries returns what has arrived.
func (h *HTTP) Deliveries() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]Delivery(nil), h.deliveries...)
}

// Requests returns the requests that have arrived. Their bodies were read: they are the deliveries' texts.
func (h *HTTP) Requests() []*http.Request {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*http.Request(nil), h.requests...)
}

// Close ends hanging requests and stops listening. It may be called twice.
func (h *HTTP) Close() {
	h.end.Do(func() { close(h.ended) })
	h.server.CloseClientConnections()
	h.server.Close()
}

// ServeHTTP receives one delivery.
func (h *HTTP) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the notifier went away
	}
	h.mu.Lock()
	answer := h.answer
	h.deliveries = append(h.deliveries, Delivery{ID: h.id(r, body), Text: h.text(r, body)})
	h.requests = append(h.requests, r)
	h.mu.Unlock()
	switch answer {
	case Refuse:
		http.Error(w, "no such channel", http.StatusBadRequest)
	case Deny:
		http.Error(w, "wrong token", http.StatusUnauthorized)
	case Break:
		http.Error(w, "out of order", http.StatusInternalServerError)
	case Throttle:
		w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter/time.Second)))
		http.Error(w, "slow down", http.StatusTooManyRequests)
	case Drop:
		panic(http.ErrAbortHandler)
	case Hang:
		h.hang(r)
	case Flood:
		h.flood(w, r)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// id finds the event's id in a request.
func (h *HTTP) id(r *http.Request, body []byte) string {
	if h.options.IDHeader != "" {
		return r.Header.Get(h.options.IDHeader)
	}
	for _, name := range IDHeaders() {
		if id := r.Header.Get(name); id != "" {
			return id
		}
	}
	var event struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(body, &event) // another format has no id that could be found
	return event.ID
}

// text is what a person sees of a request: the body as it came, what a form in it says, and some headers.
func (h *HTTP) text(r *http.Request, body []byte) string {
	parts := []string{string(body)}
	if form, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); form == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(body))
		for _, name := range slices.Sorted(maps.Keys(values)) {
			parts = append(parts, values[name]...)
		}
		if err != nil {
			parts = append(parts, err.Error())
		}
	}
	for _, name := range h.options.TextHeaders {
		for _, value := range r.Header.Values(name) {
			if decoded, err := new(mime.WordDecoder).DecodeHeader(value); err == nil {
				value = decoded
			}
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, "\n")
}

func (h *HTTP) hang(r *http.Request) {
	select {
	case <-h.ended:
	case <-r.Context().Done():
	}
}

func (h *HTTP) flood(w http.ResponseWriter, r *http.Request) {
	line := make([]byte, 64<<10)
	for r.Context().Err() == nil {
		select {
		case <-h.ended:
			return
		default:
		}
		if _, err := w.Write(line); err != nil {
			return
		}
	}
}
