package drill

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/mysql"
)

// versionLimit bounds how long a program may take to tell its version.
const versionLimit = 30 * time.Second

// Version is what a server program says it is.
type Version struct {
	Product string // mysql.ProductMySQL or mysql.ProductMariaDB
	Number  [3]int
}

// String returns "MySQL 9.7.4".
func (v Version) String() string {
	return fmt.Sprintf("%s %d.%d.%d", v.Product, v.Number[0], v.Number[1], v.Number[2])
}

// Fits returns nil when a server of this version starts on the data of another: the same product, and not older. The zero
// value stands for data of which that is not known.
func (v Version) Fits(data Version) error {
	switch {
	case data == Version{}:
		return nil
	case v.Product != data.Product:
		return fmt.Errorf("it is %s, the backup is of %s", v, data)
	case slices.Compare(v.Number[:], data.Number[:]) < 0:
		return fmt.Errorf("it is %s, older than the backup, which is of %s", v, data)
	}
	return nil
}

// ParseVersion reads what a server calls its version, "9.7.4-2" or "10.11.14-MariaDB-log", or what its program prints for
// --version: "mysqld  Ver 9.7.4 for Linux on x86_64 (...)".
func ParseVersion(text string) (Version, error) {
	if _, after, ok := strings.Cut(text, " Ver "); ok {
		text = strings.TrimSpace(after)
	}
	text, _, _ = strings.Cut(text, " ")
	v := Version{Product: mysql.ProductMySQL}
	if strings.Contains(strings.ToLower(text), "mariadb") {
		v.Product, text = mysql.ProductMariaDB, strings.TrimPrefix(text, "5.5.5-")
	}
	m := regexp.MustCompile(`^(\d{1,4})\.(\d{1,4})\.(\d{1,4})`).FindStringSubmatch(text)
	if m == nil {
		return Version{}, fmt.Errorf("%.80q is no version of a server", text)
	}
	for i := range v.Number {
		v.Number[i], _ = strconv.Atoi(m[i+1]) // up to four digits
	}
	return v, nil
}

// ErrNoServer is in the chain when no fitting server was found.
var ErrNoServer = errors.New("no server that fits the backup was found")

// Find returns the first of some programs that fits the data, and its version: those that are named, then those in PATH
// and in the usual places. A chosen program is the only one that is looked at.
func Find(ctx context.Context, data Version, chosen string, named ...string) (program string, v Version, err error) {
	if chosen != "" {
		named = []string{chosen}
	} else {
		named = append(named, usual(data.Product)...)
	}
	var why []string
	seen := map[string]bool{}
	for _, name := range named {
		path, err := exec.LookPath(name)
		if err != nil {
			if chosen != "" {
				why = append(why, err.Error())
			}
			continue
		}
		if path, err = filepath.EvalSymlinks(path); err != nil || seen[path] {
			continue
		}
		seen[path] = true
		if v, err = ask(ctx, path); err == nil {
			err = v.Fits(data)
		}
		if err == nil {
			path, err = filepath.Abs(path)
			return path, v, err
		}
		why = append(why, path+": "+err.Error())
	}
	if len(why) == 0 {
		return "", v, fmt.Errorf("%w: none is in PATH or in the usual places; %s is needed", ErrNoServer, data)
	}
	return "", v, fmt.Errorf("%w: %s", ErrNoServer, strings.Join(why, "; "))
}

// usual are the names and places of server programs.
func usual(product string) []string {
	name, more := "mysqld", []string{"/usr/local/mysql/bin"}
	if product == mysql.ProductMariaDB {
		name, more = "mariadbd", nil
	}
	all := []string{name}
	places := []string{"/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/libexec", "/usr/local/bin"}
	for _, dir := range append(places, more...) {
		all = append(all, filepath.Join(dir, name))
	}
	return all
}

// ask has a program print its version.
func ask(ctx context.Context, program string) (Version, error) {
	ctx, cancel := context.WithTimeout(ctx, versionLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "--no-defaults", "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return Version{}, fmt.Errorf("ask for its version: %w", err)
	}
	return ParseVersion(string(out))
}
