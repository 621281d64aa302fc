package mysql_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/mysql"
)

func TestParseGrant(t *testing.T) {
	tests := []struct {
		name, line string
		want       []string
	}{
		{"static", "GRANT SHUTDOWN, PROCESS ON *.* TO `drydock`@`%`", []string{"SHUTDOWN", "PROCESS"}},
		{"dynamic", "GRANT CONNECTION_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `d`@`%`",
			[]string{"CONNECTION_ADMIN", "SYSTEM_VARIABLES_ADMIN"}},
		{"all", "GRANT ALL PRIVILEGES ON *.* TO `root`@`%` WITH GRANT OPTION", []string{"ALL PRIVILEGES"}},
		{"mariadb", "GRANT BINLOG MONITOR, READ_ONLY ADMIN ON *.* TO `d`@`%` IDENTIFIED BY PASSWORD '*63'",
			[]string{"BINLOG MONITOR", "READ_ONLY ADMIN"}},
		{"schema", "GRANT ALL PRIVILEGES ON `shop`.* TO `d`@`%`", nil},
		{"schema in disguise", "GRANT SHUTDOWN ON `x ON *.* TO `.* TO `d`@`%`", nil},
		{"role", "GRANT `operator`@`%` TO `d`@`%`", nil},
		{"proxy", "GRANT PROXY ON ``@`` TO `root`@`localhost`", nil},
		{"revoke", "REVOKE SELECT ON `mysql`.* FROM `d`@`%`", nil},
		{"empty", "", nil},
		{"cut off", "GRANT SHUTDOWN ON *.*", nil},
		{"no names", "GRANT , ON *.* TO `d`@`%`", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, mysql.ParseGrant(tt.line)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzParseGrant(f *testing.F) {
	f.Add("GRANT SHUTDOWN, PROCESS ON *.* TO `drydock`@`%`")
	f.Add("GRANT ALL PRIVILEGES ON `shop`.* TO `d`@`%`")
	f.Fuzz(func(t *testing.T, line string) {
		for _, name := range mysql.ParseGrant(line) {
			if name == "" || strings.ContainsAny(name, "`',") {
				t.Errorf("%q gives privilege %q", line, name)
			}
		}
	})
}

func TestDialect(t *testing.T) {
	tests := []struct {
		version, product string
		want             [3]int
	}{
		{"9.7.4-2", "MySQL", [3]int{9, 7, 4}},
		{"8.0.36-28", "MySQL", [3]int{8, 0, 36}},
		{"8.4.0", "MySQL", [3]int{8, 4, 0}},
		{"10.11.18-MariaDB-0+deb12u1-log", "MariaDB", [3]int{10, 11, 18}},
		{"5.5.5-10.4.8-MariaDB", "MariaDB", [3]int{10, 4, 8}},
		{"", "MySQL", [3]int{}},
		{"x.y", "MySQL", [3]int{}},
	}
	for _, tt := range tests {
		product, v := mysql.Dialect(tt.version)
		if product != tt.product || v != tt.want {
			t.Errorf("%q: %s %v, want %s %v", tt.version, product, v, tt.product, tt.want)
		}
	}
}

func TestOpenForWriting(t *testing.T) {
	tests := []struct {
		name, info string
		want       bool
	}{
		{"read and write", "pos:\t0\nflags:\t0100002\nmnt_id:\t29\n", true},
		{"write", "pos:\t0\nflags:\t0100001\n", true},
		{"read", "pos:\t0\nflags:\t0100000\n", false},
		{"path only", "pos:\t0\nflags:\t012000002\n", false},
		{"garbage", "flags:\tx\n", false},
		{"nothing", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mysql.OpenForWriting([]byte(tt.info)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
