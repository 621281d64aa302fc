package azure_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/plugins/storage/azure"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// S5: a blob that the service holds is shown as held, and refuses what would end that. Azurite has no immutable storage, so a
// front says of a real blob what the service documents.
func TestHeld(t *testing.T) {
	a := testenv.StartAzurite(t)
	container, _ := a.Container(t)
	t.Run("not supported", func(t *testing.T) { holdUnsupported(t, open(t, settings(a, container))) })
	front := testenv.NewFront(t, a.Addr)
	s := open(t, settings(a.Behind(front.Addr), container))
	if err := s.Commit(t.Context(), begin(t, s, "db/Data.zip"), 4); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(30 * 24 * time.Hour).UTC().Truncate(time.Second)
	front.After = func(answer *http.Response) {
		if answer.Request.Method == http.MethodHead && answer.StatusCode == http.StatusOK {
			answer.Header.Set("X-Ms-Legal-Hold", "true")
			answer.Header.Set("X-Ms-Immutability-Policy-Mode", "unlocked")
			answer.Header.Set("X-Ms-Immutability-Policy-Until-Date", until.Format(http.TimeFormat))
		}
	}
	front.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodDelete {
			return false
		}
		w.Header().Set("X-Ms-Error-Code", "BlobImmutableDueToPolicy")
		w.WriteHeader(http.StatusConflict)
		return true
	}
	o, err := s.Stat(t.Context(), "db/Data.zip")
	if err != nil || !o.Hold.Legal || !o.Hold.Until.Equal(until) {
		t.Errorf("%+v, error %v", o, err)
	}
	err = s.Delete(t.Context(), "db/Data.zip")
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "BlobImmutableDueToPolicy") ||
		strings.Contains(err.Error(), "asked as") {
		t.Errorf("delete: %v", err)
	}
	shorter := storage.Hold{Until: until.Add(-time.Hour), Legal: true}
	err = s.Hold(t.Context(), "db/Data.zip", shorter)
	if !errs.Is(err, errs.Permission) || !strings.Contains(err.Error(), "held until") {
		t.Errorf("a shorter hold: %v", err)
	}
}

// holdUnsupported: what a service does not have is told as such.
func holdUnsupported(t *testing.T, s *azure.Storage) {
	if s.Holds() {
		t.Error("a container of which the job says nothing is taken for one that holds")
	}
	if err := s.Commit(t.Context(), begin(t, s, "db/other.zip"), 4); err != nil {
		t.Fatal(err)
	}
	err := s.Hold(t.Context(), "db/other.zip", storage.Hold{Legal: true})
	if !errs.Is(err, errs.Unsupported) {
		t.Errorf("error %v of kind %q", err, errs.KindOf(err))
	}
	if o, err := s.Stat(t.Context(), "db/other.zip"); err != nil || o.Hold.Active(time.Now()) {
		t.Errorf("%+v, error %v", o, err)
	}
}
