package install

import (
	"os"
	"path/filepath"
	"strings"
)

// Mirror is where Debian's packages come from.
type Mirror struct {
	URI     string // "http://deb.debian.org/debian"
	Keyring string // path of the keyring that signs the archive; empty means apt's own trusted keys
}

const (
	debianURI     = "http://deb.debian.org/debian"
	debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
)

// FindMirror returns the Debian mirror of this machine's own apt sources below etc ("/etc/apt"): deb822 files or the
// old one-line style. A machine that names none (Ubuntu) gets Debian's public mirror.
func FindMirror(etc string) Mirror {
	var found []Mirror
	files, _ := filepath.Glob(filepath.Join(etc, "sources.list.d", "*.sources")) // the pattern is well formed
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil {
			found = append(found, parseDeb822(string(b))...)
		}
	}
	lists, _ := filepath.Glob(filepath.Join(etc, "sources.list.d", "*.list"))
	for _, name := range append([]string{filepath.Join(etc, "sources.list")}, lists...) {
		if b, err := os.ReadFile(name); err == nil {
			found = append(found, parseList(string(b))...)
		}
	}
	m := Mirror{URI: debianURI}
	if len(found) > 0 {
		m = found[0]
	}
	if _, err := os.Stat(debianKeyring); m.Keyring == "" && err == nil {
		m.Keyring = debianKeyring
	}
	return m
}

// isDebian tells Debian's main archive from security updates and from other vendors' repositories.
func isDebian(uri, suites string) bool {
	return strings.HasSuffix(strings.TrimRight(uri, "/"), "/debian") && !strings.Contains(suites, "-security")
}

// parseDeb822 reads the stanzas of a .sources file.
func parseDeb822(text string) []Mirror {
	var found []Mirror
	for stanza := range strings.SplitSeq(text, "\n\n") {
		field := map[string]string{}
		for line := range strings.SplitSeq(stanza, "\n") {
			name, value, ok := strings.Cut(line, ":")
			if ok && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, " ") {
				field[strings.ToLower(name)] = strings.TrimSpace(value)
			}
		}
		binary := strings.Contains(" "+field["types"]+" ", " deb ")
		if !binary || strings.EqualFold(field["enabled"], "no") {
			continue
		}
		for uri := range strings.FieldsSeq(field["uris"]) {
			if isDebian(uri, field["suites"]) {
				found = append(found, Mirror{URI: strings.TrimRight(uri, "/"), Keyring: keyringPath(field["signed-by"])})
			}
		}
	}
	return found
}

// parseList reads lines like `deb [signed-by=/k.gpg] http://deb.debian.org/debian bookworm main`.
func parseList(text string) []Mirror {
	var found []Mirror
	for line := range strings.SplitSeq(text, "\n") {
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
		if !ok {
			continue
		}
		rest, keyring := strings.TrimSpace(rest), ""
		if opts, after, ok := strings.Cut(rest, "]"); ok && strings.HasPrefix(opts, "[") {
			rest = after
			for opt := range strings.FieldsSeq(opts[1:]) {
				if k, v, _ := strings.Cut(opt, "="); strings.EqualFold(k, "signed-by") {
					keyring = v
				}
			}
		}
		if f := strings.Fields(rest); len(f) >= 2 && isDebian(f[0], f[1]) {
			found = append(found, Mirror{URI: strings.TrimRight(f[0], "/"), Keyring: keyringPath(keyring)})
		}
	}
	return found
}

// keyringPath drops what is not a path: deb822 allows a whole key inline.
func keyringPath(s string) string {
	if strings.HasPrefix(s, "/") {
		return s
	}
	return ""
}
