package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// RunAs is the user that servers run as when the caller is root: a server refuses to run as root, and an ordinary
// server's files do not belong to the agent's user either.
const RunAs = "nobody"

// Owner returns the numeric user and group that own a server's files: RunAs for root, else the caller.
func Owner() (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid(), nil
	}
	u, err := user.Lookup(RunAs)
	if err != nil {
		return 0, 0, fmt.Errorf("find the user that servers run as: %w", err)
	}
	uid, errU := strconv.Atoi(u.Uid)
	gid, errG := strconv.Atoi(u.Gid)
	return uid, gid, errors.Join(errU, errG)
}

// Grants are what the agent's user needs, per product. The documentation of agent/mysql says what each is for.
func Grants(product string) []string {
	if product == MySQL {
		return []string{"SHUTDOWN, PROCESS, REPLICATION CLIENT", "SYSTEM_VARIABLES_ADMIN, REPLICATION_SLAVE_ADMIN, CONNECTION_ADMIN"}
	}
	return []string{"SHUTDOWN, PROCESS, BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN, " +
		"READ_ONLY ADMIN, SUPER"}
}

// users is the SQL that creates the users of every test server.
func users(product string) []string {
	with := "IDENTIFIED BY"
	q := []string{
		fmt.Sprintf("CREATE USER '%s'@'%%' %s '%s'", AgentUser, with, AgentPassword),
		fmt.Sprintf("CREATE USER 'root'@'%%' %s '%s'", with, RootPassword),
		"GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION",
		"DROP USER 'root'@'localhost'",
	}
	for _, g := range Grants(product) {
		q = append(q, fmt.Sprintf("GRANT %s ON *.* TO '%s'@'%%'", g, AgentUser))
	}
	return q
}

// Config returns the lines of a [mysqld] section that every start of a server on dataDir shares; scratch is a
// directory that the server can write to.
func (p *Prefix) Config(dataDir, scratch string) []string {
	c := []string{
		"basedir=" + filepath.Join(p.Root(), "usr"), "datadir=" + dataDir, "tmpdir=" + scratch,
		"lc-messages-dir=" + p.Share, "character-sets-dir=" + filepath.Join(p.Share, "charsets"), "plugin-dir=" + p.Plugins,
		// small and quick: tests copy these files, and nobody mourns them
		"innodb-buffer-pool-size=32M", "innodb-use-native-aio=OFF", "innodb-flush-log-at-trx-commit=2", "sync-binlog=0",
		"performance-schema=OFF",
	}
	if os.Geteuid() == 0 {
		c = append(c, "user="+RunAs)
	}
	if p.Product == MySQL {
		return append(c, "innodb-redo-log-capacity=8M", "innodb-log-buffer-size=1M", "innodb-log-writer-threads=OFF",
			"mysqlx=OFF", "secure-file-priv=NULL")
	}
	return append(c, "innodb-log-file-size=8M", "innodb-log-buffer-size=2M")
}

// initialise makes the template: system tables and users, no rows, no server identity.
func (p *Prefix) initialise(ctx context.Context) error {
	work, err := os.MkdirTemp(p.Dir, "init-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	data := filepath.Join(work, "data")
	if err := p.Initialise(ctx, data); err != nil {
		return err
	}
	return p.keep(data)
}

// Initialise makes what the template is made of, with settings that a data directory keeps for life, such as
// "innodb-page-size=4k". Files that it needs meanwhile lie beside data, whose parent only the caller uses.
func (p *Prefix) Initialise(ctx context.Context, data string, settings ...string) error {
	uid, gid, err := Owner()
	if err != nil {
		return err
	}
	work := filepath.Dir(data)
	err = errors.Join(os.Mkdir(data, 0o750), os.Chmod(work, 0o755), os.Chown(work, uid, gid), os.Chown(data, uid, gid))
	if err != nil {
		return err
	}
	cnf := filepath.Join(work, "init.cnf")
	text := "[mysqld]\n" + strings.Join(append(p.Config(data, work), settings...), "\n") + "\n"
	if err := os.WriteFile(cnf, []byte(text), 0o644); err != nil {
		return err
	}
	if p.Product == MySQL {
		return p.initMySQL(ctx, work, cnf)
	}
	return p.initMariaDB(ctx, cnf)
}

func (p *Prefix) initMySQL(ctx context.Context, work, cnf string) error {
	file := filepath.Join(work, "users.sql")
	if err := os.WriteFile(file, []byte(strings.Join(users(MySQL), ";\n")+";\n"), 0o644); err != nil {
		return err
	}
	_, err := run(ctx, "", nil, p.Server, "--defaults-file="+cnf, "--initialize-insecure", "--init-file="+file)
	return err
}

// initMariaDB does what mariadb-install-db does, less the help tables.
func (p *Prefix) initMariaDB(ctx context.Context, cnf string) error {
	var sql bytes.Buffer
	sql.WriteString("create database if not exists mysql;\nuse mysql;\nset @auth_root_socket=NULL;\n")
	for _, f := range []string{"mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data",
		"maria_add_gis_sp_bootstrap", "mysql_sys_schema"} {
		b, err := os.ReadFile(filepath.Join(p.Share, f+".sql"))
		if err != nil {
			return err
		}
		sql.Write(append(b, '\n'))
	}
	// a bootstrapping server runs without grants until it is told to read them
	sql.WriteString("flush privileges;\n" + strings.Join(users(MariaDB), ";\n") + ";\n")
	_, err := run(ctx, "", &sql, p.Server, "--defaults-file="+cnf, "--bootstrap", "--skip-grant-tables", "--skip-networking")
	return err
}

// keep moves an initialised data directory to its place. Without auto.cnf each copy gives itself an identity.
func (p *Prefix) keep(data string) error {
	if err := os.Remove(filepath.Join(data, "auto.cnf")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, pattern := range []string{"binlog.*", "*-bin.*", "*.err", "*.pid", "#innodb_temp/*"} {
		names, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return os.Rename(data, p.Template())
}

// CopyTemplate makes dst a fresh data directory of the product, owned by the user that servers run as.
func (p *Prefix) CopyTemplate(dst string) error {
	uid, gid, err := Owner()
	if err != nil {
		return err
	}
	return filepath.WalkDir(p.Template(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(p.Template(), path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			err = os.Mkdir(to, 0o750)
		} else {
			err = copyFile(path, to)
		}
		if err != nil {
			return err
		}
		return os.Chown(to, uid, gid)
	})
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
