package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
)

// NextStep tells what to do with a restored directory. Its JSON keys are a contract.
type NextStep struct {
	Product     string       `json:"product,omitempty"`
	Version     string       `json:"version,omitempty"`
	Start       string       `json:"start,omitempty"` // a command that starts a server on it; empty when it is only a part
	Replication *Coordinates `json:"replication,omitempty"`
	Notes       []string     `json:"notes"` // what has to be thought of first
}

// Coordinates are where a replica that is made of the backup goes on to read from the server that was backed up.
type Coordinates struct {
	BinlogFile     string   `json:"binlog_file,omitempty"`
	BinlogPosition uint64   `json:"binlog_position,omitempty"`
	GTIDSet        string   `json:"gtid_set,omitempty"` // when the backup began; the restored server knows the exact one
	Exact          bool     `json:"exact"`              // it is the end of the copied log, not only what the server said before
	Statements     []string `json:"statements"`
}

// nextStep reads what the backup knows of its server.
func nextStep(ctx context.Context, r *archive.Reader, to string, only []string) NextStep {
	h := r.Header()
	n := NextStep{Notes: []string{}}
	var f mysql.Facts
	if json.Unmarshal(h.Server, &f) != nil || f.Product == "" {
		return n
	}
	n.Product, n.Version = f.Product, f.Version
	if len(only) > 0 {
		n.Notes = append(n.Notes, "this is a part of a data directory: no server starts on it")
		return n
	}
	program := "mysqld"
	if f.Product == mysql.ProductMariaDB {
		program = "mariadbd"
	}
	owner := h.Root.User
	if owner == "" {
		owner = "mysql"
	}
	n.Start = fmt.Sprintf("%s --datadir=%s --user=%s", program, service.Quote(to), service.Quote(owner))
	n.Notes = append(n.Notes, fmt.Sprintf("use %s %s or a later one that can upgrade its files, with the settings of the old server",
		f.Product, f.Version))
	n.notes(h, f)
	n.Replication = coordinates(ctx, r, f)
	return n
}

func (n *NextStep) notes(h archive.Header, f mysql.Facts) {
	for _, o := range h.Outside {
		n.Notes = append(n.Notes, fmt.Sprintf("the server looks for %s, which was restored as %s", o.Path, o.Entry))
	}
	for _, k := range h.Keyrings {
		if k.Entry == "" {
			n.Notes = append(n.Notes, fmt.Sprintf("encrypted tables need the keyring %s, which is not in the backup", k.Path))
		}
	}
	if f.Product == mysql.ProductMySQL {
		n.Notes = append(n.Notes, "remove auto.cnf when the server that was backed up is still in use: both would have the same UUID")
	}
	if f.ReplicaRunning {
		n.Notes = append(n.Notes, "it was a replica: it goes on replicating once it is started, unless with skip_replica_start")
	}
}

// coordinates finds where the binary log ended: at the end of the last file that was copied, or, when it was not, where the
// server said it was before it stopped.
func coordinates(ctx context.Context, r *archive.Reader, f mysql.Facts) *Coordinates {
	if f.BinlogFile == "" && f.GTIDSet == "" {
		return nil
	}
	c := &Coordinates{BinlogFile: f.BinlogFile, BinlogPosition: f.BinlogPosition, GTIDSet: f.GTIDSet}
	base := strings.TrimSuffix(f.BinlogFile, filepath.Ext(f.BinlogFile)) + "."
	err := r.Files(ctx, func(e archive.File) error {
		name := path.Base(e.Path)
		number, ok := strings.CutPrefix(name, base)
		if f.BinlogFile == "" || !ok || strings.Trim(number, "0123456789") != "" || len(name) < len(c.BinlogFile) ||
			len(name) == len(c.BinlogFile) && name < c.BinlogFile {
			return nil
		}
		c.BinlogFile, c.BinlogPosition, c.Exact = name, uint64(e.Size), true
		return nil
	})
	if err != nil {
		return nil
	}
	c.Statements = c.statements(f)
	return c
}

func (c *Coordinates) statements(f mysql.Facts) []string {
	address := func(who string) string {
		return fmt.Sprintf("%s_HOST = '%s', %s_PORT = %d", who, strings.ReplaceAll(f.Hostname, "'", "''"), who, f.Port)
	}
	maria := f.Product == mysql.ProductMariaDB
	switch {
	case maria && c.GTIDSet != "":
		return []string{"SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos",
			"CHANGE MASTER TO " + address("MASTER") + ", MASTER_USE_GTID = slave_pos", "START SLAVE"}
	case maria:
		return []string{fmt.Sprintf("CHANGE MASTER TO %s, MASTER_LOG_FILE = '%s', MASTER_LOG_POS = %d",
			address("MASTER"), c.BinlogFile, c.BinlogPosition), "START SLAVE"}
	case c.GTIDSet != "":
		return []string{"CHANGE REPLICATION SOURCE TO " + address("SOURCE") + ", SOURCE_AUTO_POSITION = 1",
			"START REPLICA"}
	}
	return []string{fmt.Sprintf("CHANGE REPLICATION SOURCE TO %s, SOURCE_LOG_FILE = '%s', SOURCE_LOG_POS = %d",
		address("SOURCE"), c.BinlogFile, c.BinlogPosition), "START REPLICA"}
}
