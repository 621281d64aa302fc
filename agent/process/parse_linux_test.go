package process_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/process"
)

func TestParseStat(t *testing.T) {
	const tail = " 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19"
	tests := []struct {
		name, text string
		state      byte
		start      uint64
		ok         bool
	}{
		{"plain", "42 (mysqld) S 7" + tail + " 777 0 0", 'S', 777, true},
		{"odd name", "42 (a) b (c)) Z 7" + tail + " 5 0", 'Z', 5, true},
		{"cut off", "42 (mysqld) S 7 2 3", 0, 0, false},
		{"no name", "42 S 7 2 3", 0, 0, false},
		{"no number", "42 (mysqld) S 7" + tail + " x 0", 'S', 0, false},
		{"no parent", "42 (mysqld) S x" + tail + " 777 0", 'S', 0, false},
		{"empty", "", 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			state, parent, start, ok := process.ParseStat(tt.text)
			if ok != tt.ok || ok && (state != tt.state || start != tt.start || parent != 7) {
				t.Errorf("got %c %d %d %v", state, parent, start, ok)
			}
		})
	}
	own, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		t.Fatal(err)
	}
	if _, parent, start, ok := process.ParseStat(string(own)); !ok || start == 0 || parent != os.Getppid() {
		t.Errorf("own process: %d %d %v", parent, start, ok)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("42 (mysqld) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 777 0 0")
	f.Fuzz(func(t *testing.T, text string) {
		_, _, start, ok := process.ParseStat(text)
		if ok && !strings.Contains(text, strconv.FormatUint(start, 10)) {
			t.Errorf("%q gives start %d", text, start)
		}
	})
}
