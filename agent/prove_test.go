package agent_test

import (
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/job"
)

// A weekly drill of a job that runs every night is made by the run of the same night a week later, although the last drill ended
// after its run had begun.
func TestDrillDue(t *testing.T) {
	const day = 24 * time.Hour
	now := time.Date(2026, 3, 8, 2, 30, 0, 0, time.UTC)
	tests := map[string]struct {
		every, age time.Duration // age of the last proof; 0: there is none
		due        bool
	}{
		"never":                     {0, 0, false},
		"never, and long ago":       {0, 1000 * day, false},
		"not proven yet":            {7 * day, 0, true},
		"a week ago, with the run":  {7 * day, 7*day - 3*time.Hour, true},
		"six days ago":              {7 * day, 6 * day, false},
		"long ago":                  {7 * day, 70 * day, true},
		"a month ago":               {30 * day, 30*day - 3*time.Hour, true},
		"29 days ago":               {30 * day, 29 * day, false},
		"yesterday, with the run":   {day, day - 2*time.Hour, true},
		"twice a day":               {day, day / 2, false},
		"always, a moment ago":      {job.DrillAlways, 1, true},
		"the clock was put back":    {7 * day, -time.Hour, true},
		"an hour, and half an hour": {time.Hour, time.Hour / 2, false},
	}
	for name, tt := range tests {
		last := now.Add(-tt.age)
		if tt.age == 0 {
			last = time.Time{}
		}
		if due := agent.DrillDue(tt.every, last, now); due != tt.due {
			t.Errorf("%s: due %t", name, due)
		}
	}
}
