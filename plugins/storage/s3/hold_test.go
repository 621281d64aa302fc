package s3_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
	"github.com/drydock-backup/drydock/sdk/storagetest"
)

// The suite's cases about holds, in buckets with Object Lock.
func TestHolds(t *testing.T) {
	testenv.EachS3(t, func(t *testing.T, start func(testing.TB) *testenv.S3) {
		server := start(t)
		cases := storagetest.Cases(storagetest.Subject{
			Place: func(storagetest.T) string { return server.Bucket(t, true) },
			Open: func(t storagetest.T, place string) storage.Storage {
				return open(t, config(server, place, map[string]any{"object_lock": true}))
			},
		})
		cases = slices.DeleteFunc(cases, func(c conformance.Case) bool { return !strings.HasPrefix(c.Name, "hold") })
		if len(cases) < 4 {
			t.Fatalf("%d cases", len(cases))
		}
		conformance.Test(t, cases)
	})
}

// New backups are locked as the job says: they are shown as held, and nobody deletes them through drydock.
func TestLocked(t *testing.T) {
	testenv.EachS3(t, func(t *testing.T, start func(testing.TB) *testenv.S3) {
		server := start(t)
		bucket := server.Bucket(t, true)
		for name, lock := range map[string]map[string]any{
			"retention":  {"object_lock": true, "lock_for": "2h"},
			"legal hold": {"object_lock": true, "legal_hold": true},
		} {
			t.Run(name, func(t *testing.T) {
				store := open(t, config(server, bucket, lock))
				if _, err := checkOf(t, store); err != nil {
					t.Fatal(err)
				}
				key := "db/" + name
				if err := put(t, store, key); err != nil {
					t.Fatal(err)
				}
				o, err := store.Stat(t.Context(), key)
				if err != nil || !o.Hold.Active(time.Now().Add(time.Hour)) || o.Hold.Legal != (lock["legal_hold"] != nil) {
					t.Errorf("stat: %+v, error %v", o, err)
				}
				if err := store.Delete(t.Context(), key); !errs.Is(err, errs.Permission) {
					t.Errorf("delete: %v", err)
				}
				if _, err := store.Stat(t.Context(), key); err != nil {
					t.Errorf("after the delete that was refused: %v", err)
				}
			})
		}
	})
}
