package archive

import "time"

const progressEvery = 100 * time.Millisecond

// meter reports progress, not too often.
type meter struct {
	Progress
	report func(Progress)
	last   time.Time
}

func (m *meter) tick() {
	if m.report != nil && time.Since(m.last) >= progressEvery {
		m.done()
	}
}

func (m *meter) done() {
	if m.report != nil {
		m.last = time.Now()
		m.report(m.Progress)
	}
}
