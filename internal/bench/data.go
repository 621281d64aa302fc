package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// fill makes a real data directory with a MySQL and stops the server: stop and start are not what is measured. The
// tables are of the kinds that production servers have: rows like sysbench's OLTP tables (random digits, which are hard
// to compress) for about two thirds, rows of an event log (text) for a quarter, and images (random bytes) for the rest.
func (b *bench) fill(gigabytes int) {
	fmt.Printf("filling a MySQL with %d GB of tables\n", gigabytes)
	s := testenv.MySQL(b.t)
	db := s.DB(b.t)
	conn, err := db.Conn(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, q := range statements(gigabytes) {
		if _, err := conn.ExecContext(b.t.Context(), q); err != nil {
			b.t.Fatalf("%.60s: %v", q, err)
		}
	}
	if err := conn.Close(); err != nil {
		b.t.Fatal(err)
	}
	s.Stop(b.t)
	b.dataDir = s.DataDir
	fmt.Printf("data directory: %.2f GB\n", float64(b.size(b.dataDir))/1e9)
}

const (
	digits = "LPAD(FLOOR(RAND()*1e11), 11, '0')"
	seed   = 100_000 // rows of the first step
)

func statements(gigabytes int) []string {
	group := func(n int) string { return "CONCAT_WS('-'" + strings.Repeat(", "+digits, n) + ")" }
	all := []string{
		"SET SESSION sql_log_bin = 0", "SET SESSION cte_max_recursion_depth = 10000000",
		"SET GLOBAL innodb_redo_log_capacity = 512*1024*1024",
		"CREATE DATABASE bench", "USE bench",
		"CREATE TABLE n (n INT PRIMARY KEY)",
		fmt.Sprintf("INSERT INTO n WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM s WHERE n < %d) SELECT n FROM s", seed),
	}
	// One step of sbtest is about 24 MB, one of log 20 MB, one of image 4 MB.
	for i := range gigabytes {
		name := fmt.Sprintf("sbtest%d", i+1)
		all = append(all,
			"CREATE TABLE "+name+" (id INT PRIMARY KEY AUTO_INCREMENT, k INT NOT NULL, c CHAR(120) NOT NULL, pad CHAR(60) NOT NULL, KEY (k)) CHARSET latin1",
			"INSERT INTO "+name+" (k, c, pad) SELECT FLOOR(RAND()*1e6), "+group(10)+", "+group(5)+" FROM n")
		for range 26 {
			all = append(all, "INSERT INTO "+name+" (k, c, pad) SELECT FLOOR(RAND()*1e6), "+group(10)+", "+group(5)+" FROM n")
		}
		all = append(all,
			fmt.Sprintf("CREATE TABLE log%d (id BIGINT PRIMARY KEY AUTO_INCREMENT, at DATETIME, who VARCHAR(64), act VARCHAR(10), note TEXT, KEY (at))", i+1))
		for range 10 {
			all = append(all, fmt.Sprintf("INSERT INTO log%d (at, who, act, note) SELECT NOW() - INTERVAL FLOOR(RAND()*1e7) SECOND, "+
				"CONCAT('user', FLOOR(RAND()*50000), '@example.com'), ELT(1+FLOOR(RAND()*4), 'login', 'buy', 'view', 'logout'), "+
				"CONCAT('Order ', FLOOR(RAND()*1e7), ' was placed from 10.', FLOOR(RAND()*255), '.', FLOOR(RAND()*255), '.1 with amount ', "+
				"ROUND(RAND()*1000, 2), ' EUR and reference ', HEX(RANDOM_BYTES(16))) FROM n", i+1))
		}
		image := "CONCAT(" + strings.TrimSuffix(strings.Repeat("RANDOM_BYTES(1000),", 8), ",") + ")"
		all = append(all, fmt.Sprintf("CREATE TABLE image%d (id INT PRIMARY KEY AUTO_INCREMENT, body MEDIUMBLOB)", i+1),
			fmt.Sprintf("INSERT INTO image%d (body) SELECT %s FROM n LIMIT 10000", i+1, image))
	}
	return append(all, "SET GLOBAL innodb_redo_log_capacity = 8*1024*1024")
}

// size sums up the bytes of the files below a directory.
func (b *bench) size(dir string) int64 {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return sum
}

// job writes a job file for a data directory whose server is down. Its start command is never used.
func (b *bench) job(name, dataDir string) (file, target string) {
	return b.jobWith(name, dataDir, "", "")
}

// jobWith writes a job file with more in its artifact block, and more blocks.
func (b *bench) jobWith(name, dataDir, artifact, extra string) (file, target string) {
	target = filepath.Join(b.dir, name+"-target")
	if err := os.MkdirAll(target, 0o700); err != nil {
		b.t.Fatal(err)
	}
	text := fmt.Sprintf(`job %q {
  mysql {
    socket   = %q
    user     = "drydock"
    data_dir = %q
    service "exec" {
      start = ["/bin/true"]
    }
  }
  artifact {
    name       = "${run.id}/Data.zip"
    chunk_size = "16MiB"
    %s
  }
  %s
  target "file" "nas" {
    path = %q
  }
}
`, name, filepath.Join(b.dir, "no.sock"), dataDir, artifact, extra, target)
	file = filepath.Join(b.dir, name+".hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return file, target
}

// command is the command line of a run.
func (b *bench) command(file string) []string {
	return append(slices.Clone(b.prefix), b.binary, "run", "--file", file, "--data-dir", filepath.Join(b.dir, "state"), "--json")
}

// ctx is the context of the benchmark.
func (b *bench) ctx() context.Context { return b.t.Context() }
