package drill

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/process"
	"github.com/drydock-backup/drydock/agent/service"
)

const (
	bufferPool = 128 << 20 // bytes of memory for pages
	stopLimit  = time.Minute
	pingLimit  = 10 * time.Second
	goneWait   = 5 * time.Second
	pollEvery  = 50 * time.Millisecond
	logLines   = 20
	maxSocket  = 100 // bytes of a socket's path, which must stay below what a socket address holds
)

// Server says how the server that is drilled has to be set up to read the data.
type Server struct {
	Product      string    // mysql.ProductMySQL or mysql.ProductMariaDB
	PageSize     int       // innodb_page_size; 0: the default
	LowerCase    int       // lower_case_table_names
	DataFilePath string    // innodb_data_file_path; "": the default
	Keyring      *Keyring  // nil: it needs none
	Outside      []Outside // all Movable
}

// ServerError says that the server did not start on the data, or died on them.
type ServerError struct {
	Doing string
	Cause error
	Log   string // the end of its error log
}

// Error returns what happened, with the end of the server's error log, indented.
func (e *ServerError) Error() string {
	text := fmt.Sprintf("%s: %v", e.Doing, e.Cause)
	if e.Log != "" {
		text += "\n\t" + strings.ReplaceAll(e.Log, "\n", "\n\t")
	}
	return text
}

// Unwrap returns the cause.
func (e *ServerError) Unwrap() error { return e.Cause }

// ErrTimeout is in the chain when a drill was not done within its time, which says nothing about the data.
var ErrTimeout = errors.New("its time is up")

// errEnded is why a server does not answer any more.
var errEnded = errors.New("the server ended by itself")

// running is a server under way.
type running struct {
	dir   string
	cmd   *exec.Cmd
	db    *sql.DB
	ended chan struct{} // closed when it was reaped
	state error         // how it ended
}

// launch starts the server and returns when it answers a query.
func launch(ctx context.Context, dir, program string, s Server, limit time.Duration) (*running, error) {
	r := &running{dir: dir, ended: make(chan struct{})}
	socket, err := r.prepare()
	if err != nil {
		return nil, fmt.Errorf("prepare the server: %w", err)
	}
	more, made, err := s.place(dir)
	if err != nil {
		return nil, fmt.Errorf("prepare the server: %w", err)
	}
	// It is ended by stop, which asks first.
	r.cmd = exec.CommandContext(context.WithoutCancel(ctx), program, append(arguments(dir, socket, s), more...)...)
	r.cmd.Dir, r.cmd.Env = dir, []string{"TMPDIR=" + filepath.Join(dir, "tmp"), "LC_ALL=C"}
	if err := r.asOwner(made); err != nil {
		return nil, fmt.Errorf("prepare the server: %w", err)
	}
	if err := r.start(); err != nil {
		return nil, &ServerError{Doing: "start the server", Cause: err}
	}
	if err := r.up(ctx, socket, limit); err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

// place puts keys and what lay outside where the server finds them. It returns arguments for it, and what has to belong to it.
func (s Server) place(dir string) (args, made []string, err error) {
	if args, made, err = s.move(dir); err != nil || s.Keyring == nil {
		return args, made, err
	}
	more, keys, err := s.Keyring.place(s.Product, dir)
	return append(args, more...), append(made, keys...), err
}

// prepare makes the directories beside the data. A socket's path must be short, wherever the scratch directory is.
func (r *running) prepare() (socket string, err error) {
	for _, name := range []string{"tmp", "run"} {
		if err := os.Mkdir(filepath.Join(r.dir, name), 0o700); err != nil {
			return "", err
		}
	}
	socket = filepath.Join(r.dir, "run", "s")
	if len(socket) > maxSocket {
		return "", fmt.Errorf("the path of the scratch directory %q is too long for a socket in it", r.dir)
	}
	return socket, nil
}

// arguments set the server up to be alone. Options that only some servers know are loose: others ignore them.
func arguments(dir, socket string, s Server) []string {
	args := []string{
		"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--socket=" + socket, "--skip-networking",
		"--pid-file=" + filepath.Join(dir, "run", "pid"), "--tmpdir=" + filepath.Join(dir, "tmp"),
		"--log-error=" + filepath.Join(dir, "run", "error.log"), "--secure-file-priv=" + filepath.Join(dir, "tmp"),
		"--skip-grant-tables", "--skip-log-bin", "--loose-skip-slave-start", "--loose-skip-replica-start",
		"--loose-mysqlx=OFF", "--loose-performance-schema=OFF", "--loose-general-log=OFF", "--loose-slow-query-log=OFF",
		"--innodb-buffer-pool-size=" + strconv.Itoa(bufferPool), "--loose-innodb-buffer-pool-load-at-startup=OFF",
		"--loose-innodb-buffer-pool-dump-at-shutdown=OFF", "--max-connections=5", "--key-buffer-size=8M",
		"--lower-case-table-names=" + strconv.Itoa(s.LowerCase), "--event-scheduler=OFF", "--innodb-fast-shutdown=1",
	}
	if s.PageSize > 0 {
		args = append(args, "--innodb-page-size="+strconv.Itoa(s.PageSize))
	}
	if s.DataFilePath != "" {
		args = append(args, "--innodb-data-file-path="+s.DataFilePath)
	}
	return args
}

// start starts the process and notes which one it is, for a drill that has to clean up.
func (r *running) start() error {
	out, err := os.OpenFile(filepath.Join(r.dir, "output"), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	r.cmd.Stdout, r.cmd.Stderr = out, out
	if err := startDying(r.cmd, func(err error) { r.state = err; close(r.ended) }); err != nil {
		return err
	}
	note, err := json.Marshal(process.Of(r.cmd.Process.Pid))
	if err == nil {
		err = durable.WriteFile(filepath.Join(r.dir, serverFile), note, 0o600)
	}
	if err != nil {
		return errors.Join(err, r.stop())
	}
	return nil
}

// up waits until the server answers.
func (r *running) up(ctx context.Context, socket string, limit time.Duration) error {
	c := driver.NewConfig()
	c.User, c.Net, c.Addr, c.Timeout = "root", "unix", socket, pingLimit
	c.Logger = &driver.NopLogger{}
	connector, err := driver.NewConnector(c)
	if err != nil {
		return err
	}
	r.db = sql.OpenDB(connector)
	r.db.SetMaxOpenConns(2)
	brief, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		ping, cancel := context.WithTimeout(brief, pingLimit)
		err := r.db.PingContext(ping)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-r.ended:
			return r.failed("start the server", errEnded)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-brief.Done():
			return r.failed("start the server", fmt.Errorf("no answer: %w", ErrTimeout))
		case <-time.After(pollEvery):
		}
	}
}

// failed describes what the server did, with the end of its log and of what it printed before it had one.
func (r *running) failed(doing string, cause error) error {
	var said []string
	for _, name := range []string{"output", "run/error.log"} {
		if text, err := service.Tail(filepath.Join(r.dir, filepath.FromSlash(name)), logLines); err == nil && strings.TrimSpace(text) != "" {
			said = append(said, text)
		}
	}
	if errors.Is(cause, errEnded) && r.state != nil {
		cause = fmt.Errorf("%w: %w", cause, r.state)
	}
	return &ServerError{Doing: doing, Cause: cause, Log: strings.Join(said, "\n")}
}

// gone reports whether the server has ended. A connection that broke may be the first sign of that.
func (r *running) gone() bool {
	select {
	case <-r.ended:
		return true
	case <-time.After(goneWait):
		return false
	}
}

// stop ends the server and returns when it was reaped: it is asked first, then killed.
func (r *running) stop() error {
	if r.db != nil {
		_ = r.db.Close()
	}
	_ = r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.ended:
		return nil
	case <-time.After(stopLimit):
	}
	_ = r.cmd.Process.Kill()
	select {
	case <-r.ended:
		return nil
	case <-time.After(killLimit):
		return fmt.Errorf("%s does not end, although it was killed", process.Describe(r.cmd.Process.Pid))
	}
}
