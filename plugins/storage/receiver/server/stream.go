package server

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// stream is an answer of many lines, or one that takes its time. Nothing is sent before the first line or heartbeat, so
// that an error which comes at once has the right status.
type stream struct {
	c     *call
	stall time.Duration

	mu  sync.Mutex
	err error // of the connection
}

// stream runs f, which sends lines, and ends the answer. While f works, the client hears that it does.
func (c *call) stream(f func(send func(wire.Line) error) error) error {
	s := &stream{c: c, stall: c.s.config.Load().StallTimeout}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { s.beat(stop) })
	err := f(s.send)
	close(stop)
	wg.Wait()
	switch {
	case err == nil:
		return s.send(wire.Line{End: true})
	case c.w.begun():
		_ = s.send(wire.Line{Error: wire.ErrorOf(err)}) // the connection may be why it failed
	}
	return err
}

// send writes one line.
func (s *stream) send(line wire.Line) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	s.write(append(text, '\n'))
	return s.err
}

func (s *stream) write(text []byte) {
	w := s.c.w
	if !w.begun() {
		w.Header().Set("Content-Type", wire.Stream)
		w.whole = true
		w.WriteHeader(http.StatusOK)
	}
	w.patient(s.stall)
	if _, err := w.Write(text); err != nil && s.err == nil {
		s.err = err
	}
}

func (s *stream) beat(stop <-chan struct{}) {
	tick := time.NewTicker(wire.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			s.mu.Lock()
			s.write([]byte("{}\n"))
			if err := s.c.w.control.Flush(); err != nil && s.err == nil {
				s.err = err
			}
			s.mu.Unlock()
		}
	}
}
