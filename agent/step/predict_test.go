package step_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/step"
)

func TestPredict(t *testing.T) {
	cores := int64(runtime.NumCPU())
	tests := []struct {
		name    string
		history step.History
		bytes   int64
		restart job.Restart
		want    time.Duration
	}{
		{"first run, no data", step.History{}, 0, job.RestartAfterShip, 20 * time.Second},
		{"first run, restart after ship", step.History{}, 1e9 * cores, job.RestartAfterShip, 40 * time.Second},
		{"first run, restart after capture", step.History{}, 1e9 * cores, job.RestartAfterCapture, 30 * time.Second},
		{"known rate", step.History{BytesPerSecond: 5e6}, 50e6, job.RestartAfterShip, 30 * time.Second},
		{"all known", step.History{StopSeconds: 2, StartSeconds: 3, BytesPerSecond: 1e8}, 1e9, job.RestartAfterShip, 15 * time.Second},
		{"rounded", step.History{StopSeconds: 1.234, StartSeconds: 1}, 0, job.RestartAfterShip, 2200 * time.Millisecond},
		{"nonsense", step.History{StopSeconds: -1, StartSeconds: -1, BytesPerSecond: -1}, 0, job.RestartAfterShip, 20 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := step.Predict(tt.history, tt.bytes, tt.restart); got != tt.want {
				t.Errorf("predicted %s, want %s", got, tt.want)
			}
		})
	}
	if got := step.Predict(step.History{BytesPerSecond: 1}, 1<<62, job.RestartAfterShip); got < 24*365*time.Hour {
		t.Errorf("a rate of next to nothing: %s", got)
	}
}

func TestDowntime(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return noon.Add(time.Duration(s) * time.Second) }
	for name, tt := range map[string]struct {
		d    step.Downtime
		want time.Duration
	}{
		"never stopped": {step.Downtime{}, 0},
		"over":          {step.Downtime{Began: at(0), Ended: at(7)}, 7 * time.Second},
		"still down":    {step.Downtime{Began: at(0)}, time.Minute},
	} {
		if got := tt.d.Measured(at(60)); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}
