package conformance

import (
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
)

// starts is how often the start is timed; the shortest time counts, since others may have been busy at the same time.
const starts = 5

func footprint(s *subject) {
	least, most := time.Hour, time.Duration(0)
	var configure time.Duration
	var idle, busy Memory
	for i := range starts {
		began := time.Now()
		p := s.launch()
		took := time.Since(began)
		least, most = min(least, took), max(most, took)
		if i == starts-1 {
			configure, idle, busy = s.measure(p)
		}
		stop(s.T, p)
	}
	s.Logf("start: %s (the slowest of %d took %s); Configure: %s", ms(least), starts, ms(most), ms(configure))
	if idle.Private > 0 {
		s.Logf("memory of its own: %s after Configure, %s after work; proportional %s, %s; resident with shared pages %s, %s",
			mib(idle.Private), mib(busy.Private), mib(idle.Proportional), mib(busy.Proportional),
			mib(idle.Resident), mib(busy.Resident))
	}
	bars := Bars()
	within(s, "start", ms, least, s.Limits.Start, bars.Start)
	within(s, "memory of its own", mib, max(idle.Private, busy.Private), s.Limits.Memory, bars.Memory)
}

// measure configures and uses a process and returns the time and memory that this took.
func (s *subject) measure(p *host.Process) (configure time.Duration, idle, busy Memory) {
	s.Helper()
	text := s.encode(s.Config(s.T))
	began := time.Now()
	if diags, err := p.Configure(s.Context(), text); err != nil || len(diags) > 0 {
		s.Fatalf("configure the provider: %v %v", diags, err)
	}
	configure = time.Since(began)
	idle = MemoryOf(p.PID())
	if err := s.Use(s.T, p); err != nil {
		s.Logf("use: %v", err)
	}
	return configure, idle, MemoryOf(p.PID())
}

// within fails the case when a limit does not hold, and else says when the bar of official providers is missed.
func within[N time.Duration | int64](s *subject, what string, text func(N) string, cost, limit, bar N) {
	s.Helper()
	switch {
	case limit > 0 && cost > limit:
		s.Errorf("%s: %s, and the limit is %s", what, text(cost), text(limit))
	case cost > bar:
		s.Logf("%s: %s is above the bar of %s that official providers keep", what, text(cost), text(bar))
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
