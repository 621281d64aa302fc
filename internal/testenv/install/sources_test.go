package install_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

const (
	modern = `Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main

Types: deb deb-src
# a comment: with a colon
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main
Signed-By: /k.gpg
`
	disabled = "Enabled: no\n" + `Types: deb
URIs: http://off.example/debian
Suites: bookworm
`
	inline = `Types: deb
URIs: http://inline.example/debian
Suites: sid
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 xyz: abc
`
	old = `# deb http://not.example/debian bookworm main
deb-src http://src.example/debian bookworm main
deb http://security.debian.org/debian-security bookworm-security main
deb [arch=amd64 signed-by=/o.gpg] http://old.example/debian bookworm main contrib
`
	vendor = "deb [trusted=yes] https://packages.example/apt stable main\n"
)

func TestFindMirror(t *testing.T) {
	fallback := "http://deb.debian.org/debian"
	tests := []struct {
		name  string
		files map[string]string
		want  install.Mirror
	}{
		{"deb822", map[string]string{"sources.list.d/debian.sources": modern},
			install.Mirror{URI: "http://mirror.example/debian", Keyring: "/k.gpg"}},
		{"one line", map[string]string{"sources.list": old}, install.Mirror{URI: "http://old.example/debian", Keyring: "/o.gpg"}},
		{"list directory", map[string]string{"sources.list.d/x.list": old},
			install.Mirror{URI: "http://old.example/debian", Keyring: "/o.gpg"}},
		{"key inline", map[string]string{"sources.list.d/x.sources": inline}, install.Mirror{URI: "http://inline.example/debian"}},
		{"disabled", map[string]string{"sources.list.d/x.sources": disabled}, install.Mirror{URI: fallback}},
		{"vendor alone", map[string]string{"sources.list.d/x.list": vendor}, install.Mirror{URI: fallback}},
		{"nothing", nil, install.Mirror{URI: fallback}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			etc := t.TempDir()
			if err := os.Mkdir(filepath.Join(etc, "sources.list.d"), 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range tt.files {
				if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got := install.FindMirror(etc)
			if tt.want.Keyring == "" && strings.HasPrefix(got.Keyring, "/usr/share/keyrings/") {
				got.Keyring = "" // this machine's own
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the files say, there is a mirror, and no option of apt's can be smuggled in through it.
func FuzzFindMirror(f *testing.F) {
	f.Add(modern, old)
	f.Add(inline, vendor)
	f.Fuzz(func(t *testing.T, sources, list string) {
		etc := t.TempDir()
		if err := os.Mkdir(filepath.Join(etc, "sources.list.d"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"sources.list.d/x.sources": sources, "sources.list": list} {
			if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		m := install.FindMirror(etc)
		if !strings.HasSuffix(m.URI, "/debian") || strings.ContainsAny(m.URI, " \n") || strings.Contains(m.Keyring, "\n") {
			t.Errorf("%+v", m)
		}
	})
}

// Without its server a test fails, with the command that installs it.
func TestOpenNotInstalled(t *testing.T) {
	t.Setenv(install.CacheEnv, t.TempDir())
	_, err := install.Open(install.MySQL)
	if err == nil || !strings.Contains(err.Error(), "go run ./internal/testenv/cmd/testenv install mysql") {
		t.Errorf("error: %v", err)
	}
	if err := install.Install(t.Context(), "oracle", os.Stdout); err == nil || !strings.Contains(err.Error(), "mysql, mariadb") {
		t.Errorf("unknown component: %v", err)
	}
}
