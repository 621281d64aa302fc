package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// rclone moves files to a bucket or container and back, with parts of the same size and as many connections. Its settings
// are in the environment, which other users cannot read.
func (b *bench) rclone(backend, bucket string, flags []string, settings ...string) peer {
	run := func(from, to string) error {
		args := append([]string{"copyto", from, to, "--config", filepath.Join(b.dir, "none"), "--no-check-dest",
			"--" + backend + "-chunk-size", fmt.Sprintf("%dB", transferPart),
			"--multi-thread-streams", fmt.Sprint(transfers), "--multi-thread-cutoff", "1M"}, flags...)
		cmd := exec.CommandContext(b.ctx(), "rclone", args...)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir}, settings...)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("rclone: %w\n%s", err, out)
		}
		return nil
	}
	there := func(key string) string { return ":" + backend + ":" + bucket + "/" + key }
	return peer{
		name: "rclone",
		up:   func(from *os.File, key string) error { return run(from.Name(), there(key)) },
		down: func(key string, into *os.File) error { return run(there(key), into.Name()+".rclone") },
	}
}
