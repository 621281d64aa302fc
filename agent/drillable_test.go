package agent_test

import (
	"testing"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// What lies outside the data directory is moved by a drill or not needed; anything else is refused with what to do, because a
// server on the copy would open the original.
func TestOutsideOfDrills(t *testing.T) {
	for path, want := range map[string]int{ // how much is moved; -1: refused
		"/srv/tables/shop/far.ibd": 1, "/srv/undo/undo_001": 1, "/srv/undo/undo001": 1, "/srv/redo/#innodb_redo": 1,
		"/srv/redo/ib_logfile0": 1, "/srv/aria/aria_log_control": 1,
		"/srv/log/binlog.000007": 0, "/srv/log/binlog.index": 0, "/srv/log/relay-bin.000001": 0,
		"/srv/ibdata1": -1, "/srv/undo/more.ibu": -1, "/srv/undo/undo_": -1, "/srv/what": -1,
	} {
		h := archive.Header{Outside: []manifest.OutsidePath{{Path: path, Entry: manifest.Outside + "/0000/x"}}}
		all, err := agent.OutsideOf(h, mysql.Facts{BinlogFile: "binlog.000009"})
		if want >= 0 && (err != nil || len(all) != want) || want < 0 && !refused(err) {
			t.Errorf("%s: %v, %v", path, all, err)
		}
	}
	if _, err := agent.OutsideOf(archive.Header{}, mysql.Facts{DataFilePath: "/srv/ibdata1:12M"}); !refused(err) {
		t.Errorf("a system tablespace outside: %v", err)
	}
}

// refused reports whether an error says what the user can do.
func refused(err error) bool {
	h, ok := err.(interface{ Hint() string })
	return ok && h.Hint() != "" && errs.Is(err, errs.Unsupported)
}
