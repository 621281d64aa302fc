package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/drydock-backup/drydock/agent"
)

// plainEvery is how often progress is told where there is no terminal.
const plainEvery = 10 * time.Second

// display shows a run: on a terminal a bar with rate and time left for each step that moves bytes, elsewhere plain
// lines. Its methods are called from one goroutine at a time.
type display struct {
	w      io.Writer
	width  int // of the terminal; 0 when w is none
	bar    *progressbar.ProgressBar
	step   string
	target string
	told   time.Time // when progress was last told in a plain line
}

func (a *app) newDisplay() *display {
	width, _ := terminal(a.stderr)
	return &display{w: a.stderr, width: width, told: time.Now()}
}

func (d *display) observe(e agent.Event) {
	switch e.Event {
	case agent.EventStep:
		d.stepped(e)
	case agent.EventProgress:
		d.progressed(e)
	case agent.EventWarning:
		d.clear()
		fmt.Fprintf(d.w, "warning: %s\n", e.Message)
	case agent.EventFinished:
		d.close()
	}
}

func (d *display) stepped(e agent.Event) {
	d.clear()
	switch e.Phase {
	case "begun":
		d.told = e.Time
	case "done":
		fmt.Fprintf(d.w, "  %-9s done in %s\n", e.Step, secondsSpan(e.Seconds))
	case "failed":
		fmt.Fprintf(d.w, "  %-9s failed after %s\n", e.Step, secondsSpan(e.Seconds))
	case "undone":
		fmt.Fprintf(d.w, "  %-9s undone in %s\n", e.Step, secondsSpan(e.Seconds))
	}
}

func (d *display) progressed(e agent.Event) {
	if d.width == 0 {
		d.plain(e)
		return
	}
	if d.bar == nil || d.step != e.Step || d.target != e.Target {
		d.clear()
		d.step, d.target = e.Step, e.Target
		d.bar = d.newBar(e)
	}
	if e.Total > 0 && d.bar.GetMax64() != e.Total {
		d.bar.ChangeMax64(e.Total)
	}
	_ = d.bar.Set64(e.Bytes)
}

func (d *display) newBar(e agent.Event) *progressbar.ProgressBar {
	total := e.Total
	if total == 0 {
		total = -1
	}
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(d.w),
		progressbar.OptionSetDescription(fmt.Sprintf("  %-9s %s", e.Step, e.Target)),
		progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetWidth(max(10, min(40, d.width-70))),
		progressbar.OptionClearOnFinish(),
	)
}

// plain tells progress in a line every few seconds.
func (d *display) plain(e agent.Event) {
	if e.Time.Sub(d.told) < plainEvery {
		return
	}
	d.told = e.Time
	line := fmt.Sprintf("  %-9s %s %s", e.Step, e.Target, size(e.Bytes))
	if e.Total > 0 {
		line += fmt.Sprintf(" of %s (%d%%)", size(e.Total), e.Bytes*100/e.Total)
	}
	fmt.Fprintln(d.w, line)
}

func (d *display) clear() {
	if d.bar != nil {
		_ = d.bar.Clear()
		d.bar = nil
	}
}

func (d *display) close() { d.clear() }
