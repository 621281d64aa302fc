package agent

import (
	"sync"
	"time"

	"github.com/drydock-backup/drydock/agent/run"
)

// progressEvery bounds how often progress is told.
const progressEvery = 100 * time.Millisecond

// story tells an observer what a run does. Its methods may be called from several goroutines; the observer is called
// from one at a time.
type story struct {
	run     string
	observe func(Event) // may be nil
	clock   func() time.Time
	alive   func() // called whenever the run moves; may be nil

	mu   sync.Mutex
	last map[string]time.Time // when progress of a step and target was last told
	step string               // the step that goes on
}

func (s *story) tell(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellLocked(e)
}

func (s *story) tellLocked(e Event) {
	if s.observe == nil {
		return
	}
	e.Time, e.Run = s.clock().UTC(), s.run
	s.observe(e)
}

// stepped passes a runner's event on.
func (s *story) stepped(e run.Event) {
	s.moved()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step = e.Step
	out := Event{Event: EventStep, Step: e.Step, Phase: string(e.Phase), Seconds: e.Took.Seconds()}
	if e.Err != nil {
		out.Message = e.Err.Error()
	}
	s.tellLocked(out)
}

// progress tells how far a step is, if it is the one that goes on, and not too often.
func (s *story) progress(step, target string, bytes, total int64) {
	s.moved()
	s.mu.Lock()
	defer s.mu.Unlock()
	key, now := step+"/"+target, s.clock()
	if s.step != "" && step != s.step || now.Sub(s.last[key]) < progressEvery && bytes < total {
		return
	}
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	s.last[key] = now
	s.tellLocked(Event{Event: EventProgress, Step: step, Target: target, Bytes: bytes, Total: total})
}

func (s *story) moved() {
	if s.alive != nil {
		s.alive()
	}
}

func (s *story) warn(message string) { s.tell(Event{Event: EventWarning, Message: message}) }
