package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

func cores() int { return runtime.NumCPU() }

// once is one run, with what its events tell.
type once struct {
	seconds float64            // wall time of the whole run
	steps   map[string]float64 // seconds
	data    int64              // bytes
}

// once runs a command line and reads its events.
func (b *bench) once(args []string) once {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(b.ctx(), args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	if err := cmd.Run(); err != nil {
		b.t.Fatalf("%v: %v\n%s", args, err, stderr.String())
	}
	took := time.Since(began).Seconds()
	r := once{seconds: took, steps: map[string]float64{}}
	for _, line := range bytes.Split(bytes.TrimSpace(stdout.Bytes()), []byte("\n")) {
		var e struct {
			Event, Step, Phase string
			Seconds            float64
			DataBytes          int64 `json:"data_bytes"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			b.t.Fatalf("event %q: %v", line, err)
		}
		if e.Phase == "done" {
			r.steps[e.Step] = e.Seconds
		}
		r.data = max(r.data, e.DataBytes)
	}
	return r
}

// cores compares capture on one core with capture on all of them.
func (b *bench) cores() {
	if cores() < 2 {
		fmt.Println("  this machine has one core: nothing to compare")
		return
	}
	file, target := b.job("cores", b.dataDir)
	var single, all []float64
	for range b.rounds {
		single = append(single, b.capture(target, append([]string{"taskset", "-c", "0"}, b.command(file)...)))
		all = append(all, b.capture(target, append([]string{"taskset", "-c", "0,1"}, b.command(file)...)))
	}
	s, a := median(single), median(all)
	fmt.Printf("  capture with zstd, median of %d: one core %.2f s, two cores %.2f s; %.2f times as fast (wanted: at least 1.7)\n",
		b.rounds, s, a, s/a)
}

func (b *bench) capture(target string, args []string) float64 {
	return b.onceAfresh(target, args).steps["capture"]
}

// onceAfresh is once with an empty target.
func (b *bench) onceAfresh(target string, args []string) once {
	if err := os.RemoveAll(target); err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(target, 0o700); err != nil {
		b.t.Fatal(err)
	}
	return b.once(args)
}
