package notifytest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"
)

// HTTP is a Receiver that listens on a port of this host.
type HTTP struct {
	server *httptest.Server
	header string
	ended  chan struct{}
	end    sync.Once

	mu         sync.Mutex
	answer     Answer
	deliveries []Delivery
	requests   []*http.Request
}

// NewHTTP starts a receiver. header is the request header that carries the event's id.
func NewHTTP(t T, header string) *HTTP {
	h := &HTTP{header: header, answer: Accept, ended: make(chan struct{})}
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
	h.deliveries = append(h.deliveries, Delivery{ID: r.Header.Get(h.header), Text: string(body)})
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
