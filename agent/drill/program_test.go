package drill_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/drill"
	"github.com/drydock-backup/drydock/agent/mysql"
)

func TestParseVersion(t *testing.T) {
	good := map[string]string{
		"9.7.4-2": "MySQL 9.7.4", "8.0.36": "MySQL 8.0.36", "10.11.18-MariaDB-0+deb12u1-log": "MariaDB 10.11.18",
		"5.5.5-10.4.8-MariaDB": "MariaDB 10.4.8",
		"/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 (Source distribution)\n":                   "MySQL 9.7.4",
		"mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)":         "MariaDB 10.11.14",
		"/opt/mysql/bin/mysqld  Ver 8.4.0 for macos14 on arm64 (MySQL Community Server - GPL), extra": "MySQL 8.4.0",
	}
	for text, want := range good {
		if v, err := drill.ParseVersion(text); err != nil || v.String() != want {
			t.Errorf("%q: %s, %v", text, v, err)
		}
	}
	for _, text := range []string{"", "MariaDB", "9.7", "a.b.c", "99999.1.1", " Ver ", "-1.2.3", "usage: mysqld [options]"} {
		if v, err := drill.ParseVersion(text); err == nil {
			t.Errorf("%q was taken as %s", text, v)
		}
	}
}

func TestFits(t *testing.T) {
	version := func(text string) drill.Version {
		v, err := drill.ParseVersion(text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	data := version("9.7.4")
	for text, fits := range map[string]bool{"9.7.4": true, "9.7.5": true, "10.0.0": true, "9.7.3": false, "8.4.9": false,
		"10.11.1-MariaDB": false} {
		if err := version(text).Fits(data); (err == nil) != fits {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// A program that is none, or tells nothing, is named, and no other is taken for one that was chosen.
func TestFindNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	silent := filepath.Join(dir, "silent")
	if err := os.WriteFile(silent, []byte("#!/bin/sh\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	data := drill.Version{Product: mysql.ProductMySQL, Number: [3]int{999, 0, 0}}
	for _, chosen := range []string{"", silent, filepath.Join(dir, "gone")} {
		_, _, err := drill.Find(t.Context(), data, chosen, "also-gone")
		if !errors.Is(err, drill.ErrNoServer) || chosen != "" && !strings.Contains(err.Error(), chosen) {
			t.Errorf("%q: %v", chosen, err)
		}
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("9.7.4-2")
	f.Add("mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := drill.ParseVersion(text)
		if err == nil && (v.Product == "" || v.Number[0] < 0 || v.Fits(v) != nil) {
			t.Errorf("%q: %+v", text, v)
		}
	})
}
