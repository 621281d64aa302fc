// Command demo shows the main job on a real MySQL, from a job file to a proven restore. `make demo` runs it.
//
// It types the commands that an admin would type and prints them as it goes: everything between "$" and the next
// headline is what drydock itself prints.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

func main() {
	binary := flag.String("drydock", "bin/drydock", "the drydock binary")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := testenv.Program(ctx, func(t testing.TB) { demonstrate(t, *binary) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is one demonstration.
type demo struct {
	t      testing.TB
	binary string
	dir    string
	job    string
	server *testenv.Server
	began  time.Time
}

func demonstrate(t testing.TB, binary string) {
	abs, err := filepath.Abs(binary)
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{t: t, binary: abs, dir: testenv.Dir(t), began: time.Now()}
	d.startServer()
	d.writeJob()
	d.say("Is the job file right?")
	d.drydock("validate", d.job)
	d.say("What would a run do?")
	d.drydock("plan", "--file", d.job)
	d.say("Make a backup: stop, archive, ship, start, prove")
	d.drydock("run", "--file", d.job)
	d.say("The artifact is an ordinary zip file")
	zip := d.artifact()
	d.listZip(zip)
	d.say("What do the targets hold? (read from the targets)")
	d.drydock("backups", "--file", d.job)
	d.say("Is the stored backup whole, down to every file?")
	d.drydock("verify", "latest", "--file", d.job, "--deep")
	d.say("Restore it to another directory")
	restored := filepath.Join(d.dir, "restored")
	d.drydock("restore", "latest", "--file", d.job, "--to", restored)
	d.say("Start a second MySQL on the restored directory and compare")
	d.compare(restored)
	d.summary(zip)
}

// startServer starts a MySQL with real tables.
func (d *demo) startServer() {
	d.say("Start a real MySQL and fill it")
	d.server = testenv.MySQL(d.t)
	d.server.Fill(d.t, testenv.FillOptions{Rows: 900, BigMB: 200})
	version := d.server.Value(d.t, "SELECT VERSION()")
	fmt.Printf("MySQL %s answers on port %d; its data directory is %s\n", version, d.server.Port, d.server.DataDir)
}
