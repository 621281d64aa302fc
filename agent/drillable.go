package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/drill"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// drillable says how a server has to be set up for a backup, or why none can be started on it without touching anything
// else. given are files of keys.
func drillable(ctx context.Context, r *archive.Reader, with DrillReport, given []string) (s drill.Server, err error) {
	h := r.Header()
	var f mysql.Facts
	if err := json.Unmarshal(h.Server, &f); err != nil && len(h.Server) > 0 {
		return s, fmt.Errorf("server facts: %w", err)
	}
	s = drill.Server{PageSize: f.PageSize, LowerCase: f.LowerCase, DataFilePath: f.DataFilePath}
	s.Product = with.product()
	if s.Outside, err = outsideOf(h, f); err != nil {
		return s, err
	}
	err = r.Files(ctx, func(e manifest.File) error {
		if strings.HasSuffix(e.Path, ".isl") && !s.Relinks(e.Path) {
			return notMovable(e.Path)
		}
		if e.Path == drill.KeyringManifest { // a server on the copy would take it at its word
			f.EncryptionAtRest = true
		}
		return nil
	})
	if err == nil {
		s.Keyring, err = keyringFor(h, f, with, given)
	}
	return s, err
}

// outsideOf is what a drill has to move to the scratch directory: a server on the copy would open the originals.
func outsideOf(h archive.Header, f mysql.Facts) (all []drill.Outside, err error) {
	if strings.Contains(f.DataFilePath, "/") {
		return nil, notMovable(f.DataFilePath)
	}
	for _, o := range h.Outside {
		out := drill.Outside{Path: o.Path, Entry: o.Entry}
		switch {
		case isLog(path.Base(o.Path), f):
		case !out.Movable():
			return nil, notMovable(o.Path)
		default:
			all = append(all, out)
		}
	}
	return all, nil
}

func notMovable(what string) error {
	err := errs.New(errs.Unsupported, "a drill would touch files outside its scratch directory: it cannot move what %q stands for", what)
	return &hinted{err, "restore it with drydock restore, place such files by hand as it says, and start a server on them; " +
		"nothing was fetched"}
}

// isLog reports whether a file is one of a binary or relay log, which the server of a drill has no use for.
func isLog(name string, f mysql.Facts) bool {
	base := strings.TrimSuffix(f.BinlogFile, path.Ext(f.BinlogFile))
	return base != "" && strings.HasPrefix(name, base+".") || strings.Contains(name, "relay")
}

// keyringFor finds the keys of encrypted tables: files that were given, those in the backup, or none where the server had no
// keys or the program finds them by itself.
func keyringFor(h archive.Header, f mysql.Facts, with DrillReport, given []string) (*drill.Keyring, error) {
	k := &drill.Keyring{Cipher: f.KeyringCipher}
	if v, err := drill.ParseVersion(f.Version); err == nil && v.String() == with.Server { // the plugins of that server fit this one
		if _, err := os.Stat(f.PluginDir); err == nil {
			k.PluginDir = f.PluginDir
		}
	}
	switch {
	case len(given) > 0:
		for _, file := range given {
			file, err := filepath.Abs(file)
			if err != nil {
				return nil, err
			}
			k.Files = append(k.Files, file)
		}
		return k, k.Check(with.product())
	case drill.FindsKeys(with.Program) || !f.EncryptionAtRest && len(h.Keyrings) == 0:
		return nil, nil
	case len(h.Keyrings) == 0:
		return nil, noKeyring("where it had its keys is not known")
	}
	for _, ring := range h.Keyrings {
		switch {
		case ring.Entry != "":
			k.Files = append(k.Files, ring.Entry)
		case !ring.Gone && ring.Size > 0: // else there are no keys in it yet
			return nil, noKeyring("its keyring %q is not in the backup", ring.Path)
		}
	}
	return k, nil
}

func noKeyring(format string, args ...any) error {
	err := errs.New(errs.Unsupported, "the server encrypts its tables, and "+format, args...)
	return &hinted{err, "name a copy of the keyring with keyring in the job's verify block or with --keyring, or archive it with " +
		"include_keyring in the artifact block; nothing was fetched"}
}
