package hcl

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// LockFileName is the usual name of a lock file.
const LockFileName = "drydock.lock.hcl"

// LockEntry pins one third-party provider.
type LockEntry struct {
	Kind, Name string
	Version    string   // what the provider called itself when it was pinned
	Constraint string   // what the version was held against then; empty: nothing
	SHA256     [32]byte // of the executable
}

// LoadLockFile reads a lock file. A file that does not exist pins nothing. Use the result only if the diagnostics have no
// errors.
func LoadLockFile(path string) ([]LockEntry, Diagnostics) {
	data, err := readJobFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		r := newReport(lockLanguage())
		r.file(path, "cannot read "+quoted(path), fileProblem(err))
		return nil, r.done()
	}
	return ParseLockFile(Source{Name: path, Data: data})
}

// ParseLockFile is LoadLockFile for a file that has been read already. Entries come ordered by kind and name.
func ParseLockFile(s Source) ([]LockEntry, Diagnostics) {
	e := &evaluator{report: newReport(lockLanguage()), scope: scope{plain: true}}
	body := e.body(s)
	if body == nil {
		return nil, e.done()
	}
	var all []LockEntry
	seen := map[[2]string]*hclsyntax.Block{}
	for _, b := range e.checkFile(body).blocks["plugin"] {
		if entry, ok := e.lockEntry(b); e.checkPlugin(b, seen) && ok {
			all = append(all, entry)
		}
	}
	sortLock(all)
	return all, e.done()
}

func (e *evaluator) lockEntry(b *hclsyntax.Block) (LockEntry, bool) {
	before := e.errors()
	entry := LockEntry{Kind: b.Labels[0], Name: b.Labels[1]}
	f := e.check(b, e.language.root.block("plugin").blockSpec, fmt.Sprintf("plugin %q", entry.Name))
	if g := e.get(f, "version"); g != nil {
		entry.Version, _ = g.nonEmpty()
		if len(entry.Version) > maxConstraint {
			g.bad(g.title()+" is too long", fmt.Sprintf("A version has at most %d bytes.", maxConstraint))
		}
	}
	entry.Constraint = e.constraint(e.get(f, "constraint"))
	if g := e.get(f, "sha256"); g != nil {
		entry.SHA256 = g.digest()
	}
	return entry, e.errors() == before
}

// digest is the value as a SHA-256, or zero after a report.
func (g *given) digest() [32]byte {
	s, ok := g.text()
	if !ok {
		return [32]byte{}
	}
	sum, err := hex.DecodeString(s)
	if err != nil || len(sum) != 32 || strings.ToLower(s) != s {
		g.bad(g.title()+" is not a SHA-256", "It has 64 digits 0 to 9 and a to f. \"drydock plugin lock\" writes it.")
		return [32]byte{}
	}
	return [32]byte(sum)
}

func sortLock(list []LockEntry) {
	slices.SortFunc(list, func(a, b LockEntry) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
}
