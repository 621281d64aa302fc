package drill

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-backup/drydock/agent/mysql"
)

// Outside is a part of the database that lay outside its data directory.
type Outside struct {
	Path  string // absolute, where the server had it
	Entry string // below the restored data
}

// table is the schema directory and the name of a tablespace, without its ending.
func (o Outside) table() string {
	return filepath.Join(filepath.Base(filepath.Dir(o.Path)), strings.TrimSuffix(filepath.Base(o.Path), ".ibd"))
}

// The kinds of what lies outside: each has an option that tells a server where it is.
const (
	tablespaces = "tablespaces"
	undo        = "undo"
	redo        = "redo"
	aria        = "aria"
)

// kind says what it is by its name; "" when a drill cannot move it.
func (o Outside) kind() string {
	name := filepath.Base(o.Path)
	switch {
	case strings.HasSuffix(name, ".ibd"):
		return tablespaces
	case numbered(name, "undo_"), numbered(name, "undo"):
		return undo
	case name == "#innodb_redo", numbered(name, "ib_logfile"):
		return redo
	case strings.HasPrefix(name, "aria_log"):
		return aria
	}
	return ""
}

// numbered reports whether a name is a word and a number.
func numbered(name, word string) bool {
	number, ok := strings.CutPrefix(name, word)
	return ok && number != "" && strings.Trim(number, "0123456789") == ""
}

// Movable reports whether a drill can have its server look for it in the scratch directory.
func (o Outside) Movable() bool { return o.kind() != "" }

// link is MariaDB's link file for a tablespace, below the data directory.
func (o Outside) link() string { return filepath.ToSlash(o.table()) + ".isl" }

// Relinks reports whether a link file of MariaDB, below the data directory, is made to name a place in the scratch directory.
func (s Server) Relinks(link string) bool {
	return s.Product == mysql.ProductMariaDB && slices.ContainsFunc(s.Outside, func(o Outside) bool {
		return o.kind() == tablespaces && o.link() == link
	})
}

// move moves what lay outside from the restored data to directories of its own beside them, and returns the arguments that
// tell a server where it is, and the directories.
func (s Server) move(dir string) (args, made []string, err error) {
	options := map[string]string{undo: "--innodb-undo-directory=", redo: "--innodb-log-group-home-dir=", aria: "--aria-log-dir-path="}
	if s.Product == mysql.ProductMySQL {
		options[tablespaces] = "--innodb-directories="
	}
	for i, o := range s.Outside {
		kind := o.kind()
		home := filepath.Join(dir, "outside", kind)
		to := filepath.Join(home, filepath.Base(o.Path))
		if kind == tablespaces { // a server wants the directory of the schema above it
			to = filepath.Join(home, strconv.Itoa(i), filepath.Base(filepath.Dir(o.Path)), filepath.Base(o.Path))
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return nil, nil, err
		}
		if err := os.Rename(filepath.Join(dir, "data", filepath.FromSlash(o.Entry)), to); err != nil {
			return nil, nil, err
		}
		if option := options[kind]; option != "" {
			args = append(args, option+home)
			delete(options, kind)
		}
		if kind == tablespaces && s.Product == mysql.ProductMariaDB {
			if err := relink(filepath.Join(dir, "data", filepath.FromSlash(o.link())), to); err != nil {
				return nil, nil, err
			}
		}
	}
	made, err = directories(filepath.Join(dir, "outside"))
	return args, made, err
}

// relink has a link file of MariaDB name another place. Its owner and mode stay.
func relink(link, to string) error {
	f, err := os.OpenFile(link, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return fmt.Errorf("link file: %w", err)
	}
	_, err = f.WriteString(to)
	return errors.Join(err, f.Close())
}

// directories lists a directory and those below it; none when there is none.
func directories(top string) (all []string, err error) {
	err = filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	return all, err
}
