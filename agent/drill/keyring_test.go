package drill_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/drill"
	"github.com/drydock-backup/drydock/agent/mysql"
)

// What cannot be a keyring is refused before a server is given it; an empty one is a keyring without keys.
func TestKeyringCheck(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys := file("keys", `{"version":"1.0","elements":[]}`)
	plugin, empty, lines := file("plugin", "Keyring file version:2.0"), file("empty", ""), file("lines", "1;00ff\n")
	for name, tt := range map[string]struct {
		product string
		files   []string
		says    string // "": it is taken
	}{
		"component":            {mysql.ProductMySQL, []string{keys}, ""},
		"no keys yet":          {mysql.ProductMySQL, []string{empty}, ""},
		"none":                 {mysql.ProductMySQL, nil, ""},
		"the old plugin's":     {mysql.ProductMySQL, []string{plugin}, "component_keyring_file"},
		"two of MySQL":         {mysql.ProductMySQL, []string{keys, keys}, "MySQL has 1 at most"},
		"a directory":          {mysql.ProductMySQL, []string{dir}, "no file of keys"},
		"gone":                 {mysql.ProductMySQL, []string{filepath.Join(dir, "gone")}, "gone"},
		"of MariaDB":           {mysql.ProductMariaDB, []string{lines}, ""},
		"with its password":    {mysql.ProductMariaDB, []string{lines, empty}, ""},
		"three of MariaDB":     {mysql.ProductMariaDB, []string{lines, lines, lines}, "MariaDB has 2 at most"},
		"a device of no bound": {mysql.ProductMariaDB, []string{"/dev/zero"}, "no file of keys"},
	} {
		err := (&drill.Keyring{Files: tt.files}).Check(tt.product)
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A program finds its keys by itself only when the file beside it says so.
func TestFindsKeys(t *testing.T) {
	for text, finds := range map[string]bool{
		"": false, "{}": false, "[]": false, `{"components":7}`: false, `{"components":""}`: false,
		`{"read_local_manifest":true}`: false, `{"read_local_manifest":true,"components":"file://component_keyring_file"}`: false,
		`{"components":"file://component_keyring_file"}`: true, `{"components":"file://component_keyring_file"`: false,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "mysqld.my"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if drill.FindsKeys(filepath.Join(dir, "mysqld")) != finds {
			t.Errorf("%q: %t", text, !finds)
		}
	}
	if drill.FindsKeys(filepath.Join(t.TempDir(), "mysqld")) {
		t.Error("without a file")
	}
}
