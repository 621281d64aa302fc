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

// wall times whole runs against tar | zstd, in turn, so that a machine that gets slower is fair to both.
func (b *bench) wall() {
	file, target := b.job("wall", b.dataDir)
	out := filepath.Join(b.dir, "peer.tar.zst")
	ours := strings.Join(b.command(file), " ") + " >/dev/null"
	peer := fmt.Sprintf("tar -C %s -cf - . | zstd -1 -T0 -q -f -o %s", b.dataDir, out)
	clear := fmt.Sprintf("rm -rf %s/* %s/.drydock-uploads %s; sync", target, target, out)
	b.hyperfine(clear, ours)
	b.hyperfine(clear, peer)
	var a, z []float64
	for i := range b.rounds {
		x, y := b.hyperfine(clear, ours), b.hyperfine(clear, peer)
		a, z = append(a, x), append(z, y)
		fmt.Printf("  round %d: drydock run %.2f s, tar | zstd -1 -T0 %.2f s\n", i+1, x, y)
	}
	fmt.Printf("  median:  drydock run %.2f s, tar | zstd -1 -T0 %.2f s; ratio %.2f (wanted: at most 1.2)\n",
		median(a), median(z), median(a)/median(z))
	b.limit(file, target)
}

// hyperfine times one command once.
func (b *bench) hyperfine(prepare, command string) float64 {
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
	var report struct {
		Results []struct {
			Median float64 `json:"median"`
		} `json:"results"`
	}
	if err := json.Unmarshal(data, &report); err != nil || len(report.Results) != 1 {
		b.t.Fatalf("hyperfine: %v\n%s", err, data)
	}
	return report.Results[0].Median
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// limit says what bounds a run: processor time over wall time tells how busy the cores were.
func (b *bench) limit(file, target string) {
	if err := os.RemoveAll(target); err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(target, 0o700); err != nil {
		b.t.Fatal(err)
	}
	r := b.once(b.command(file))
	busy := r.cpu / r.seconds
	what := "the disk or the waiting for it"
	if busy > 0.8*float64(cores()) {
		what = "the processor: compression, and SHA-256 of what is read, written and read back"
	}
	fmt.Printf("  one run: %.2f s wall, %.2f s processor (%.2f of %d cores busy); it is limited by %s\n",
		r.seconds, r.cpu, busy, cores(), what)
}
