package state_test

import (
	"path/filepath"
	"testing"

	"github.com/drydock-backup/drydock/agent/state"
)

// The file can be looked at while another process writes into it all the time, and what is seen is whole.
func TestLookWhileItIsWritten(t *testing.T) {
	path := path(t)
	p := spawn(t, path, "write")
	for range 3 {
		if !p.out.Scan() { // it has recorded something since
			t.Fatal("the child recorded nothing")
		}
		s, err := state.Look(t.Context(), path)
		must(t, err)
		runs, err := s.Last(10)
		must(t, err)
		if len(runs) == 0 {
			t.Error("no run is seen")
		}
		for _, r := range runs {
			_, err := s.Steps(r.ID)
			must(t, err)
		}
		must(t, s.Close())
	}
	p.kill()
	s, err := state.Look(t.Context(), path) // now the file itself
	must(t, err)
	must(t, s.Close())
	if left, _ := filepath.Glob(path + ".look-*"); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
