package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// patience bounds every wait for a server. A start takes a second; a busy machine may take many.
const patience = 90 * time.Second

// Server is one private MySQL or MariaDB server. Its methods are for the test's own goroutine.
type Server struct {
	Product    string // install.MySQL or install.MariaDB
	Dir        string // holds everything below, except a data directory given to OnDataDir
	DataDir    string
	ConfigFile string // my.cnf; a test may append to it while the server is down
	Socket     string
	Host       string // 127.0.0.1
	Port       int
	User       string // the agent's user, with the grants that the documentation recommends
	Password   string
	PIDFile    string
	LogFile    string // error log

	prefix *install.Prefix
	opts   options
}

// Option changes a server before its first start.
type Option func(*options)

type options struct {
	lines   []string
	parent  string
	down    bool
	keyring bool
	page    int
}

// With adds lines to the [mysqld] section, such as "read_only=ON".
func With(lines ...string) Option {
	return func(o *options) { o.lines = append(o.lines, lines...) }
}

// In places the server's directory below parent instead of the system's temporary directory. The user that servers run
// as must be able to reach it.
func In(parent string) Option { return func(o *options) { o.parent = parent } }

// Down leaves the server stopped.
func Down() Option { return func(o *options) { o.down = true } }

// MySQL starts a fresh MySQL server and waits until it answers.
func MySQL(t testing.TB, o ...Option) *Server {
	t.Helper()
	return fresh(t, install.MySQL, o)
}

// MariaDB starts a fresh MariaDB server and waits until it answers.
func MariaDB(t testing.TB, o ...Option) *Server {
	t.Helper()
	return fresh(t, install.MariaDB, o)
}

// Flavours runs f as a subtest for each product; start gives a fresh server of that product.
func Flavours(t *testing.T, f func(t *testing.T, start func(...Option) *Server)) {
	t.Helper()
	for _, product := range []string{install.MySQL, install.MariaDB} {
		t.Run(product, func(t *testing.T) {
			f(t, func(o ...Option) *Server { return fresh(t, product, o) })
		})
	}
}

// PageSize gives the server a data directory with InnoDB pages of so many bytes, made anew: that takes several seconds.
func PageSize(bytes int) Option {
	return func(o *options) {
		o.page = bytes
		o.lines = append(o.lines, fmt.Sprintf("innodb-page-size=%d", bytes))
	}
}

// Keyring gives the server an encryption keyring outside its data directory, in the file that KeyringFile names.
func Keyring() Option { return func(o *options) { o.keyring = true } }

func fresh(t testing.TB, product string, set []Option) *Server {
	t.Helper()
	prefix, err := install.Open(product)
	if err != nil {
		t.Fatal(err)
	}
	var o options
	for _, f := range set {
		f(&o)
	}
	s := place(t, prefix, "", o)
	if o.page == 0 {
		err = prefix.CopyTemplate(s.DataDir)
	} else {
		err = prefix.Initialise(t.Context(), s.DataDir, o.lines...)
	}
	if err != nil {
		t.Fatalf("make data directory: %v", err)
	}
	if o.keyring {
		if err := s.writeKeyring(); err != nil {
			t.Fatalf("make keyring: %v", err)
		}
	}
	if !o.down {
		s.Start(t)
	}
	return s
}

// place makes the directory of a server that is not started yet, with its configuration and its reaper.
func place(t testing.TB, prefix *install.Prefix, dataDir string, o options) *Server {
	t.Helper()
	dir := scratch(t, o.parent)
	s := &Server{
		Product: prefix.Product, Dir: dir, DataDir: dataDir,
		ConfigFile: filepath.Join(dir, "my.cnf"), Socket: filepath.Join(dir, "s.sock"),
		Host: "127.0.0.1", Port: freePort(t), User: install.AgentUser, Password: install.AgentPassword,
		PIDFile: filepath.Join(dir, "server.pid"), LogFile: filepath.Join(dir, "error.log"),
		prefix: prefix, opts: o,
	}
	if dataDir == "" {
		s.DataDir = filepath.Join(dir, "data")
	}
	if err := s.configure(); err != nil {
		t.Fatalf("configure server: %v", err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: last lines of the error log:\n%s", s.Product, s.logTail())
		}
	})
	return s
}

// configure writes my.cnf. A fresh server's binary log is on, as a server worth a backup has it.
func (s *Server) configure() error {
	uid, gid, err := install.Owner()
	if err != nil {
		return err
	}
	tmp := filepath.Join(s.Dir, "tmp")
	if err := errors.Join(os.Mkdir(tmp, 0o755), os.Chown(tmp, uid, gid), os.Chown(s.Dir, uid, gid)); err != nil {
		return err
	}
	lines := append([]string{"[mysqld]"}, s.prefix.Config(s.DataDir, tmp)...)
	lines = append(lines,
		"socket="+s.Socket, fmt.Sprintf("port=%d", s.Port), "bind-address="+s.Host, "pid-file="+s.PIDFile, "log-error="+s.LogFile,
		fmt.Sprintf("server-id=%d", s.Port), "skip-name-resolve=ON", "log-bin=binlog", "max-connections=40")
	if s.Product == install.MySQL {
		lines = append(lines, "gtid-mode=ON", "enforce-gtid-consistency=ON")
	} else {
		lines = append(lines, "binlog-format=ROW")
	}
	if s.opts.keyring && s.Product == install.MariaDB {
		lines = append(lines, "plugin-load-add=file_key_management", "innodb-encrypt-tables=ON",
			"file-key-management-filename="+s.KeyringFile())
	}
	lines = append(lines, s.opts.lines...)
	return os.WriteFile(s.ConfigFile, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// OnDataDir is a second server of the same product and options on another data directory, such as a restored one. It
// is not started. Parents of dir below the temporary directory are made passable for the user that servers run as.
func (s *Server) OnDataDir(t testing.TB, dir string) *Server {
	t.Helper()
	for d := filepath.Dir(dir); strings.HasPrefix(d, os.TempDir()+string(filepath.Separator)); d = filepath.Dir(d) {
		if info, err := os.Stat(d); err == nil {
			if err := os.Chmod(d, info.Mode().Perm()|0o011); err != nil {
				t.Fatal(err)
			}
		}
	}
	return place(t, s.prefix, dir, s.opts)
}

// StartCommand is the argument vector that starts the server in the foreground. It needs nothing of the test process.
func (s *Server) StartCommand() []string {
	return []string{s.prefix.Server, "--defaults-file=" + s.ConfigFile}
}

// Job says how the agent reaches, stops and starts the server: over TCP, with SQL SHUTDOWN and service "exec".
func (s *Server) Job() job.MySQL {
	return job.MySQL{
		Host: s.Host, Port: s.Port, User: s.User, Password: job.Secret(s.Password), DataDir: s.DataDir,
		StopTimeout: patience, StartTimeout: patience,
		Service: job.Service{Kind: job.ServiceExec, Start: s.StartCommand()},
	}
}

// Tool is the argument vector of a program that comes with the server, such as innochecksum.
func (s *Server) Tool(t testing.TB, name string) []string {
	t.Helper()
	argv, err := s.prefix.Program("bin", name)
	if err != nil {
		t.Fatal(err)
	}
	return argv
}

// logTail returns the end of the error log.
func (s *Server) logTail() string {
	b, err := os.ReadFile(s.LogFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// Chown gives a path to the user that servers run as.
func Chown(path string) error {
	uid, gid, err := install.Owner()
	if err != nil {
		return err
	}
	return os.Lchown(path, uid, gid)
}
