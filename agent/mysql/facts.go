package mysql

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
)

// Facts is what a running server says about itself. Paths are absolute. It is stored with every backup.
type Facts struct {
	Product  string `json:"product"` // ProductMySQL or ProductMariaDB
	Version  string `json:"version"` // "9.7.4-2"
	Comment  string `json:"version_comment,omitempty"`
	Hostname string `json:"hostname"`
	Port     int    `json:"port,omitempty"`

	ServerID   uint32 `json:"server_id"`
	ServerUUID string `json:"server_uuid,omitempty"` // MySQL only

	DataDir  string `json:"data_dir"`
	PIDFile  string `json:"pid_file,omitempty"`
	Socket   string `json:"socket,omitempty"`
	LogError string `json:"log_error,omitempty"` // "" when the server logs to its standard error
	PageSize int    `json:"page_size"`           // of InnoDB, bytes

	// What a server that is started on a copy has to be told as well.
	LowerCase    int    `json:"lower_case_table_names,omitempty"`
	DataFilePath string `json:"innodb_data_file_path,omitempty"` // a list of names and sizes

	// FastShutdown is innodb_fast_shutdown: 0 slow and clean, 1 clean, 2 like a crash: the next start has to recover.
	FastShutdown int `json:"innodb_fast_shutdown"`

	// Where the binary log stood when asked; empty when it is off.
	BinlogFile     string `json:"binlog_file,omitempty"`
	BinlogPosition uint64 `json:"binlog_position,omitempty"`
	GTIDSet        string `json:"gtid_set,omitempty"` // gtid_executed, or MariaDB's gtid_current_pos

	ReadOnly         bool `json:"read_only"`
	SuperReadOnly    bool `json:"super_read_only"`
	ReplicasAttached int  `json:"replicas_attached"` // -1 when the user may not know
	ReplicaRunning   bool `json:"replica_running"`   // some replication thread is on

	// EncryptionAtRest means that the server has keys loaded or encrypts some files: without KeyringFiles, or without the
	// key server, a backup may be worthless.
	EncryptionAtRest bool     `json:"encryption_at_rest"`
	KeyringFiles     []string `json:"keyring_files,omitempty"`
	PluginDir        string   `json:"plugin_dir,omitempty"`
	KeyringCipher    string   `json:"keyring_cipher,omitempty"` // MariaDB's file_key_management_encryption_algorithm

	// OutsidePaths are the files and directories of the database outside DataDir: tablespaces, undo and redo logs, binary
	// and relay logs. Symbolic links inside DataDir are not followed. See ExpandOutside.
	OutsidePaths    []string `json:"outside_paths,omitempty"`
	OutsidePatterns []string `json:"outside_patterns,omitempty"` // glob patterns that OutsidePaths was made from

	Uptime time.Duration `json:"uptime_ns"`
	// DataBytes is the size of all files in DataDir and OutsidePaths; 0 when the agent may not read them.
	DataBytes int64 `json:"data_bytes"`

	ShutdownPrivilege bool     `json:"shutdown_privilege"`
	Missing           []string `json:"missing_privileges,omitempty"` // recommended ones
	GrantHint         string   `json:"grant_hint,omitempty"`         // the statement that grants them
	Incomplete        []string `json:"incomplete,omitempty"`         // facts that could not be had, and why
}

// Facts asks a running server for its facts. A fact for which a privilege is missing ends up in Incomplete, not in the
// error. Facts about files need the agent to be on the server's host.
func (s *Server) Facts(ctx context.Context) (Facts, error) {
	var f Facts
	err := fault.Around("mysql.facts", func() error {
		return s.session(ctx, "ask", func(ctx context.Context, c *session) error {
			vars, err := c.pairs(ctx, "SHOW GLOBAL VARIABLES")
			if err != nil {
				return err
			}
			a := asking{session: c, dialect: dialectOf(vars["version"]), vars: vars, facts: &f}
			a.plain()
			return a.ask(ctx)
		})
	})
	if err != nil {
		return Facts{}, err
	}
	f.OutsidePaths = f.ExpandOutside()
	f.DataBytes = sizeOf(append([]string{f.DataDir}, f.OutsidePaths...))
	return f, nil
}

// asking is one Facts under way.
type asking struct {
	*session
	dialect
	vars  map[string]string // global variables
	facts *Facts
}

// plain fills in what the variables alone tell.
func (a *asking) plain() {
	f, v := a.facts, a.vars
	f.Product, f.Version, f.Comment = a.product(), v["version"], v["version_comment"]
	f.Hostname, f.Port, f.ServerUUID = v["hostname"], number(v["port"]), v["server_uuid"]
	if id, err := strconv.ParseUint(v["server_id"], 10, 32); err == nil {
		f.ServerID = uint32(id)
	}
	f.DataDir = filepath.Clean(v["datadir"])
	f.PIDFile, f.Socket = a.path(v["pid_file"]), a.path(v["socket"])
	if v["log_error"] != "stderr" {
		f.LogError = a.path(v["log_error"])
	}
	f.PluginDir = a.path(v["plugin_dir"])
	f.LowerCase, f.DataFilePath = number(v["lower_case_table_names"]), v["innodb_data_file_path"]
	f.PageSize, f.FastShutdown = number(v["innodb_page_size"]), number(v["innodb_fast_shutdown"])
	f.ReadOnly, f.SuperReadOnly = isOn(v[readOnly]), isOn(v[superReadOnly])
	f.GTIDSet = either(v, "gtid_executed", "gtid_current_pos")
}

// path makes a path of the server's absolute: relative ones start at the data directory. "" stays "".
func (a *asking) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(a.facts.DataDir, p)
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// ask asks the questions that need privileges, each on its own.
func (a *asking) ask(ctx context.Context) error {
	have, err := a.privileges(ctx, a.dialect)
	if err != nil {
		return err
	}
	a.facts.ShutdownPrivilege = have.have(shutdownPrivilege)
	a.facts.Missing = have.missing(a.dialect)
	a.facts.GrantHint = grantHint(a.facts.Missing, account(ctx, a.session))
	questions := []struct {
		what string
		ask  func(context.Context) error
	}{
		{"uptime", a.uptime},
		{"binary log position", a.binlog},
		{"replication channels", a.replication},
		{"attached replicas", func(ctx context.Context) error { return a.replicas(ctx, have.have(processPrivilege)) }},
		{"encryption at rest", a.encryption},
		{"tablespaces outside the data directory", a.outside},
	}
	for _, q := range questions {
		switch err := q.ask(ctx); {
		case err == nil:
		case notAllowed(err):
			a.facts.Incomplete = append(a.facts.Incomplete, fmt.Sprintf("%s: %v", q.what, err))
		default:
			return fmt.Errorf("%s: %w", q.what, err)
		}
	}
	return nil
}

func (a *asking) uptime(ctx context.Context) error {
	status, err := a.pairs(ctx, "SHOW GLOBAL STATUS LIKE 'Uptime'")
	a.facts.Uptime = time.Duration(number(status["Uptime"])) * time.Second
	return err
}

func (a *asking) binlog(ctx context.Context) error {
	if !isOn(a.vars["log_bin"]) {
		return nil
	}
	rows, err := a.rows(ctx, a.binlogStatus())
	if err != nil || len(rows) == 0 {
		return err
	}
	a.facts.BinlogFile = rows[0]["File"]
	a.facts.BinlogPosition, err = strconv.ParseUint(rows[0]["Position"], 10, 64)
	if set := rows[0]["Executed_Gtid_Set"]; set != "" {
		a.facts.GTIDSet = set
	}
	return err
}

func (a *asking) replication(ctx context.Context) error {
	channels, err := a.channels(ctx, a.dialect)
	for _, ch := range channels {
		a.facts.ReplicaRunning = a.facts.ReplicaRunning || ch.IO || ch.SQL
	}
	return err
}

// replicas counts the threads that send the binary log. Without PROCESS the list of threads silently lacks them, so
// then the replicas that announced themselves have to do, or the number is unknown.
func (a *asking) replicas(ctx context.Context, process bool) error {
	a.facts.ReplicasAttached = -1
	query := "SHOW PROCESSLIST"
	if !process {
		query = a.replicaList()
	}
	rows, err := a.rows(ctx, query)
	if err != nil {
		return err
	}
	count := 0
	for _, row := range rows {
		if !process || row["Command"] == "Binlog Dump" || row["Command"] == "Binlog Dump GTID" {
			count++
		}
	}
	a.facts.ReplicasAttached = count
	return nil
}
