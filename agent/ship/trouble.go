package ship

import (
	"context"
	"sync"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// lookEvery is how often targets are looked at that may be away.
const lookEvery = 500 * time.Millisecond

// Ended returns a channel that is closed when every target has all chunks or has failed, so that Wait would not wait.
func (s *Shipment) Ended() <-chan struct{} { return s.ended }

// AllAway returns when every target that still lacks chunks is away, and names those targets. A target is away when its
// calls have failed for as long as grace and none is under way, or when one has been under way for so long and the target
// does not answer a question either, which it is given the same time for. One that takes its chunks slowly is not away. It
// returns nil when ctx or the shipment ends first.
func (s *Shipment) AllAway(ctx context.Context, grace time.Duration) []string {
	var questions sync.WaitGroup
	defer questions.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		ask, away := s.look(grace)
		if len(away) > 0 {
			return away
		}
		for _, l := range ask { // nobody waits for the answers: what is still missing may arrive meanwhile
			questions.Go(func() { l.ask(ctx, grace) })
		}
		select {
		case <-s.ended:
			return nil
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// look names the targets that lack chunks when all of them are away; ask are those that are to be asked whether they are.
func (s *Shipment) look(grace time.Duration) (ask []*lane, away []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, here := time.Now(), 0
	for _, l := range s.lanes {
		if l.done() {
			continue
		}
		if l.away(now, grace) {
			away = append(away, l.t.Label)
		} else {
			here++
		}
		if l.calls > 0 && now.Sub(l.quiet) >= grace {
			l.quiet = now
			ask = append(ask, l)
		}
	}
	if here > 0 {
		away = nil
	}
	return ask, away
}

// ask asks the target something small. Any answer is a sign of life: it may take its time for a chunk.
func (l *lane) ask(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	_, err := l.t.Storage.Stat(ctx, l.s.o.Key)
	dead := ctx.Err() != nil || errs.Is(err, errs.Transient)
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.dead, l.quiet = dead, time.Now()
}

// away reports whether nothing comes of the calls to the target. s.mu is held.
func (l *lane) away(now time.Time, grace time.Duration) bool {
	return l.dead || l.calls == 0 && !l.failing.IsZero() && now.Sub(l.failing) >= grace
}

// asked notes that one try of a call to the target begins.
func (l *lane) asked() {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	if l.calls++; l.calls == 1 {
		l.quiet = time.Now()
	}
}

// answered notes how one try has ended.
func (l *lane) answered(err error) {
	l.s.mu.Lock()
	defer l.s.mu.Unlock()
	l.calls--
	switch {
	case err == nil:
		l.failing, l.dead, l.quiet = time.Time{}, false, time.Now()
	case l.failing.IsZero():
		l.failing = time.Now()
	}
}
