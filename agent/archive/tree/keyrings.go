package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
)

// findKeyrings resolves the keyrings that were named. A keyring is known by its path, by what is below it, and by its
// inode, so that another name for it does not carry it into the archive by mistake.
func (w *walker) findKeyrings() {
	for _, p := range w.Config.Keyrings {
		if !filepath.IsAbs(p) {
			p = filepath.Join(w.RootPath, p)
		}
		k := manifest.KeyringFile{Path: p}
		real, err := filepath.EvalSymlinks(p)
		if err != nil {
			k.Gone = errors.Is(err, fs.ErrNotExist)
			real = filepath.Clean(p)
		}
		if st, err := Lstat(real); err == nil {
			k.Size, k.MTime = st.Size, st.MTime
			if st.Ino != 0 && st.Mode&TypeMask == TypeRegular {
				w.keyInode[inode{st.Dev, st.Ino}] = true
			}
		}
		w.keyrings[real] = true
		w.keyrings[real+".backup"] = true // the keyring_file component keeps one while it writes
		w.Result.Keyrings = append(w.Result.Keyrings, k)
	}
}

func (w *walker) isKeyring(real string, st Stat) bool {
	if len(w.keyrings) == 0 {
		return false
	}
	if st.Mode&TypeMask == TypeLink {
		if resolved, err := filepath.EvalSymlinks(real); err == nil {
			real = resolved
		}
	}
	for k := range w.keyrings {
		if within(k, real) {
			return true
		}
	}
	return w.keyInode[inode{st.Dev, st.Ino}]
}

// archiveKeyrings archives, when asked, the keyrings that are not in the data directory, and says where each is.
func (w *walker) archiveKeyrings() error {
	if !w.IncludeKeyring {
		return nil
	}
	for i := range w.Result.Keyrings {
		k := &w.Result.Keyrings[i]
		if k.Gone {
			w.refuse(k.Path, "is the keyring that is to be archived, but does not exist", "look where the server keeps its keyring")
			continue
		}
		real, err := filepath.EvalSymlinks(k.Path)
		if err != nil {
			if err := w.trouble(k.Path, k.Path, err); err != nil {
				return err
			}
			continue
		}
		if within(w.RootPath, real) {
			k.Entry = relative(w.RootPath, real)
			continue
		}
		if entry, ok := w.entryOf(real); ok {
			k.Entry = entry
			continue
		}
		k.Entry = fmt.Sprintf("%s/%04d/%s", manifest.Keyring, i, filepath.Base(real))
		if err := w.beside(k.Entry, real); err != nil {
			return err
		}
	}
	return nil
}
