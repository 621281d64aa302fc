package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// seal compares the wall time of a run that encrypts with one that does not, on two cores, in turn. The key is wrapped for a
// public key; for a passphrase it takes a fixed time more, on purpose, before MySQL is stopped.
func (b *bench) seal() {
	public, err := exec.CommandContext(b.ctx(), b.binary, "keygen", "--output", filepath.Join(b.dir, "key.txt")).Output()
	if err != nil {
		b.t.Fatalf("keygen: %v", err)
	}
	b.prefix = []string{"taskset", "-c", "0,1"}
	defer func() { b.prefix = nil }()
	encrypt := fmt.Sprintf("encrypt {\n    recipients = [%q]\n  }", strings.TrimSpace(string(public)))
	b.inTurn("", 1.08, contest{what: "not sealed"}, contest{what: "sealed", extra: encrypt})
	b.passphrase()
}

// passphrase times the wrapping for one, by sealing next to nothing.
func (b *bench) passphrase() {
	pass, small := filepath.Join(b.dir, "passphrase"), filepath.Join(b.dir, "small")
	for _, file := range []string{pass, small} {
		if err := os.WriteFile(file, []byte("only for the benchmark\n"), 0o600); err != nil {
			b.t.Fatal(err)
		}
	}
	var took []float64
	for range b.rounds {
		took = append(took, b.hyperfine("true", strings.Join([]string{b.binary, "seal", small, "--passphrase-file", pass}, " ")+
			" && rm "+small+".sealed").Median)
	}
	fmt.Printf("  a passphrase takes %.2f s more, whatever the size\n", median(took))
}
