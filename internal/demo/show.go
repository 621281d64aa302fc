package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// listed is how many entries of the zip are shown.
const listed = 12

func (d *demo) say(headline string) { fmt.Printf("\n── %s\n\n", headline) }

// drydock runs one command as it would be typed.
func (d *demo) drydock(args ...string) {
	fmt.Printf("$ drydock %s\n", strings.Join(args, " "))
	cmd := exec.CommandContext(d.t.Context(), d.binary, append(args, "--data-dir", filepath.Join(d.dir, "state"))...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		d.t.Fatalf("drydock %s: %v", strings.Join(args, " "), err)
	}
}

const jobFile = `job "shop" {
  mysql {
    host     = "127.0.0.1"
    port     = %d
    user     = %q
    password = file(%q)
    data_dir = %q

    service "exec" {
      start = [%s]
    }
  }

  compress "zstd" {
    level = "fastest"
  }

  target "file" "nas" {
    path = %q
  }
}
`

// writeJob writes the job file and shows it.
func (d *demo) writeJob() {
	d.say("The job file")
	nas, pass := filepath.Join(d.dir, "nas"), filepath.Join(d.dir, "shop.pass")
	if err := os.Mkdir(nas, 0o700); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(pass, []byte(d.server.Password+"\n"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	var start []string
	for _, arg := range d.server.StartCommand() {
		start = append(start, fmt.Sprintf("%q", arg))
	}
	text := fmt.Sprintf(jobFile, d.server.Port, d.server.User, pass, d.server.DataDir, strings.Join(start, ", "), nas)
	d.job = filepath.Join(d.dir, "shop.hcl")
	if err := os.WriteFile(d.job, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	fmt.Print(text)
}

// artifact finds Data.zip at the target.
func (d *demo) artifact() string {
	found, err := filepath.Glob(filepath.Join(d.dir, "nas", "*", "*", "*", "Data.zip"))
	if err != nil || len(found) != 1 {
		d.t.Fatalf("Data.zip at the target: %v %v", found, err)
	}
	return found[0]
}

// listZip shows the first and last entries as 7-Zip sees them.
func (d *demo) listZip(zip string) {
	fmt.Printf("$ 7zz l %s\n", zip)
	out, err := exec.CommandContext(d.t.Context(), "7zz", "l", zip).CombinedOutput()
	if err != nil {
		d.t.Fatalf("7zz l %s: %v\n%s", zip, err, out)
	}
	var lines []string
	for scan := bufio.NewScanner(bytes.NewReader(out)); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	table := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "Compressed") })
	lines = lines[max(0, table):]
	if len(lines) > listed+4 {
		rest := len(lines) - listed - 4
		lines = slices.Concat(lines[:listed], []string{fmt.Sprintf("  ... %d more ...", rest)}, lines[len(lines)-4:])
	}
	fmt.Println(strings.Join(lines, "\n"))
}

// compare counts rows and checksums tables on both servers.
func (d *demo) compare(restored string) {
	second := d.server.OnDataDir(d.t, restored)
	second.Start(d.t)
	before, after := d.server.Checksums(d.t), second.Checksums(d.t)
	fmt.Printf("%-24s %12s %12s   %s\n", "table", "original", "restored", "checksums")
	tables := make([]string, 0, len(before))
	for name := range before {
		tables = append(tables, name)
	}
	slices.Sort(tables)
	for _, name := range tables {
		query := "SELECT COUNT(*) FROM " + quoted(name)
		a, b := d.server.Value(d.t, query), second.Value(d.t, query)
		sum, restoredSum := before[name], after[name]
		if a != b || sum != restoredSum {
			d.t.Fatalf("table %s differs: %s rows, checksum %d; restored %s rows, checksum %d", name, a, sum, b, restoredSum)
		}
		fmt.Printf("%-24s %12s %12s   equal\n", name, a, b)
	}
	if len(after) != len(before) {
		d.t.Fatalf("%d tables, restored %d", len(before), len(after))
	}
}

// quoted turns schema.table into `schema`.`table`.
func quoted(name string) string {
	schema, table, _ := strings.Cut(name, ".")
	return fmt.Sprintf("`%s`.`%s`", schema, table)
}

func (d *demo) summary(zip string) {
	info, err := os.Stat(zip)
	if err != nil {
		d.t.Fatal(err)
	}
	d.say("Done")
	fmt.Printf(`In %s, on a real MySQL:
  • the server was stopped, its data directory became one zip file of %.0f MB, and the server was started again;
  • the stored copy was read back and every file in it verified;
  • a second MySQL on the restored directory holds the same rows and checksums in every table.
Everything was in a temporary directory, which is removed now. Write a job file for your server: docs/job-language.md.
`, time.Since(d.began).Round(time.Second), float64(info.Size())/1e6)
}
