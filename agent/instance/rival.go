package instance

import (
	"context"
	"time"

	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
)

// withdraw takes back a launch that came second: somebody else started the server between the look at the data
// directory and the launch. The second server would not fail at once: servers wait up to 100 seconds for the locks of
// their files, and it would take over as soon as the first one is stopped, in the middle of the next copy.
func (s *start) withdraw(ctx context.Context, holder int) {
	l, ok := s.Service.(service.Launcher)
	if !ok {
		return // a service manager has one process of each unit
	}
	for limit := time.Now().Add(settle); time.Now().Before(limit); {
		launched := l.Launched()
		if launched == 0 || descends(holder, launched) {
			return // it gave up, has daemonised, or is the holder itself
		}
		for _, pid := range mysql.Writers(s.DataDir) {
			if pid != holder && descends(pid, launched) {
				s.Log.Warn("somebody else started the server at the same moment; ending the second one",
					"process", pid, "first", holder, "error", kill(pid))
			}
		}
		if s.wait(ctx, pollEvery) != nil {
			return
		}
	}
}
