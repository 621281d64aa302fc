// Command bench prints the ratios that the project watches, each against a peer or a limit that is measured in the same
// run. `make bench` runs it; BENCH="wall" and the like choose a part.
//
//	wall     a zstd run to a file target ÷ tar | zstd -1 -T0, on one real data directory (hyperfine, in turn, medians)
//	cores    capture on all cores ÷ capture on one core
//	memory   peak memory of all processes together, for a small and for a 20 GB sparse data directory
//	plugins  compressor and file target as plugins ÷ the same code in process; start-up time and memory of a provider
//	restore  openssl | zstd -d | tar x ÷ the restore of a sealed zstd artifact of the same files
//	pages    capture with the check of InnoDB's pages ÷ capture without
//	seal     an encrypted run ÷ one that is not, on two cores
//	s3       a file to S3 and back ÷ the AWS SDK's own transfer manager and ÷ rclone, on two servers; only when it is asked for
//	azure    the same to Azurite ÷ the Azure SDK's UploadFile and DownloadFile, and ÷ rclone
//	gcs      the same to fake-gcs-server ÷ the Writer and the transfer manager of Google's client
//	receiver a file to the receiver ÷ a plain copy over TLS, and ÷ rclone, restic and scp
//	receiver-agents  64 agents at once: how fair, and how much memory
//	receiver-large   a sparse artifact of 120 GiB: chunks, transfer, assembly, verification, and how much memory
//
// Timing decides nothing here: the figures are for people, and never fail a build.
package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == sinkName {
		if err := sink(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	binary := flag.String("drydock", "bin/drydock", "the drydock binary")
	rounds := flag.Int("rounds", 5, "how often each command is timed")
	gigabytes := flag.Int("gb", 2, "size of the data directory")
	large := flag.Int("large", 120, "size of receiver-large in GiB")
	data := flag.String("data", "", "a data directory whose server is down, instead of a new one that is filled")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := install.Install(ctx, install.Peers, os.Stdout)
	if err == nil {
		b := &bench{binary: *binary, rounds: *rounds, dataDir: *data, large: *large}
		err = testenv.Program(ctx, func(t testing.TB) { b.measure(t, *gigabytes, flag.Args()) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run of the benchmarks.
type bench struct {
	t       testing.TB
	binary  string
	dir     string
	rounds  int
	large   int      // GiB
	prefix  []string // what every command line begins with
	dataDir string   // a real data directory whose server is stopped; empty: one is made
}

func (b *bench) measure(t testing.TB, gigabytes int, parts []string) {
	abs, err := filepath.Abs(b.binary)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]func(*bench){"wall": (*bench).wall, "cores": (*bench).cores, "memory": (*bench).memory,
		"plugins": (*bench).plugins, "restore": (*bench).restore, "pages": (*bench).pages, "seal": (*bench).seal,
		"s3": (*bench).s3, "azure": (*bench).azure, "gcs": (*bench).gcs,
		"receiver": (*bench).receiver, "receiver-agents": (*bench).receiverAgents, "receiver-large": (*bench).receiverLarge}
	if len(parts) == 0 {
		parts = []string{"wall", "cores", "memory", "plugins", "pages", "seal"}
	}
	for _, p := range parts {
		if all[p] == nil {
			t.Fatalf("no benchmark %q; there are %s", p, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
		}
	}
	b.t, b.binary, b.dir = t, abs, testenv.Dir(t)
	filled := []string{"wall", "cores", "plugins", "pages", "seal", "restore"}
	if b.dataDir == "" && slices.ContainsFunc(parts, func(p string) bool { return slices.Contains(filled, p) }) {
		b.fill(gigabytes)
	}
	for _, p := range parts {
		fmt.Printf("\n%s\n", strings.ToUpper(p))
		all[p](b)
	}
}
