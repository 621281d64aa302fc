package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// timing is what hyperfine tells about one command, in seconds.
type timing struct{ Median, User, System float64 }

// contender is a command whose rounds are collected.
type contender struct {
	name, command string
	wall, cpu     []float64
}

// wall times whole runs against tar | zstd, in turn, so that a machine that gets slower is fair to all. All read the same
// files, from the page cache, and write to the same file system. A run ends when its backup was flushed to the disk and
// read back. The peer as everybody types it does neither; with sync it is flushed as well. The check of InnoDB's pages is on,
// as it is for everybody; it is timed without as well, since the peer looks at nothing that it copies.
func (b *bench) wall() {
	file, target := b.job("wall", b.dataDir)
	unchecked, second := b.jobWith("unchecked", b.dataDir, "check_pages = false", "")
	out := filepath.Join(b.dir, "peer.tar.zst")
	peer := fmt.Sprintf("tar -C %s -cf - . | zstd -1 -T0 -q -f -o %s", b.dataDir, out)
	all := []*contender{
		{name: "drydock run", command: strings.Join(b.command(file), " ") + " >/dev/null"},
		{name: "tar | zstd -1 -T0", command: peer},
		{name: "the same && sync", command: peer + " && sync " + out},
	}
	bare := &contender{name: "drydock run, check_pages = false", command: strings.Join(b.command(unchecked), " ") + " >/dev/null"}
	prepare := fmt.Sprintf("rm -rf %[1]s/* %[1]s/.drydock-uploads %[2]s/* %[2]s/.drydock-uploads %[3]s; sync", target, second, out)
	fmt.Println("  same directory, read from the page cache; same file system; a run is flushed and read back, the plain peer is not")
	for i := range b.rounds + 1 {
		for _, c := range append([]*contender{bare}, all...) {
			t := b.hyperfine(prepare, c.command)
			if i > 0 { // the first round warms up
				c.wall, c.cpu = append(c.wall, t.Median), append(c.cpu, t.User+t.System)
			}
		}
		if i > 0 {
			fmt.Printf("  round %d: %s %.2f s, %s %.2f s, %s %.2f s\n", i, all[0].name, all[0].wall[i-1],
				all[1].name, all[1].wall[i-1], all[2].name, all[2].wall[i-1])
		}
		slices.Reverse(all[1:]) // each peer comes first in half of the rounds
	}
	slices.SortFunc(all[1:], func(x, y *contender) int { return len(x.command) - len(y.command) })
	for _, c := range append([]*contender{bare}, all...) {
		fmt.Printf("  median of %s: %.2f s wall, %.2f s processor\n", c.name, median(c.wall), median(c.cpu))
	}
	ours := all[0]
	fmt.Printf("  ratio %.2f (wanted: at most 1.2), %.2f without the check of pages; %.2f with sync; processor %.2f\n",
		median(ours.wall)/median(all[1].wall), median(bare.wall)/median(all[1].wall),
		median(ours.wall)/median(all[2].wall), median(ours.cpu)/median(all[1].cpu))
	fmt.Printf("  limited by %s (%.2f of %d cores busy)\n", limit(ours), median(ours.cpu)/median(ours.wall), cores())
}

// limit says what bounds a run: processor time over wall time tells how busy the cores were.
func limit(c *contender) string {
	if median(c.cpu)/median(c.wall) > 0.8*float64(cores()) {
		return "the processor: compression, and SHA-256 of what is read, written and read back"
	}
	return "the disk or the waiting for it"
}

// hyperfine times one command once.
func (b *bench) hyperfine(prepare, command string) timing {
	result := filepath.Join(b.dir, "hyperfine.json")
	cmd := exec.CommandContext(b.ctx(), "hyperfine", "--runs", "1", "--style", "none", "--export-json", result,
		"--prepare", prepare, command)
	if text, err := cmd.CombinedOutput(); err != nil {
		b.t.Fatalf("%s: %v\n%s", command, err, text)
	}
	data, err := os.ReadFile(result)
	if err != nil {
		b.t.Fatal(err)
	}
	var report struct{ Results []timing }
	if err := json.Unmarshal(data, &report); err != nil || len(report.Results) != 1 {
		b.t.Fatalf("hyperfine: %v\n%s", err, data)
	}
	return report.Results[0]
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
