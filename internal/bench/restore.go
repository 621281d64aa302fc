package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// restoring is what the benchmark of a restore works with.
type restoring struct {
	b        *bench
	identity string
	file     string // the job file
	to, peer string // where the two restore to
	packed   string // the peer's artifact
	secret   string // openssl's arguments: cipher, key and iv
}

// restore times the restore of a sealed zstd artifact against openssl | zstd -d | tar x on the same files, in turn. A
// restore ends when every file was flushed, read back from the disk and compared with its SHA-256; the peer as
// everybody types it does none of that. With sync it is flushed as well. The peer's cipher is AES-256-CTR, as openssl enc
// knows no GCM: it proves nothing.
func (b *bench) restore() {
	r := b.prepareRestore()
	peer := fmt.Sprintf("mkdir %[1]s && openssl enc -d %[2]s -in %[3]s | zstd -d -q -c | tar -C %[1]s -xf -", r.peer, r.secret, r.packed)
	ours := strings.Join([]string{b.binary, "restore", "latest", "--file", r.file, "--to", r.to, "--identity", r.identity,
		"--data-dir", filepath.Join(b.dir, "state"), "--json"}, " ") + " >/dev/null"
	all := []*contender{
		{name: "drydock restore", command: ours},
		{name: "openssl | zstd -d | tar x", command: peer},
		{name: "the same && sync", command: peer + " && sync -f " + r.peer},
	}
	fmt.Println("  same directory, both artifacts in the page cache, same file system; a restore is flushed and read back, the plain peer is not")
	for i := range b.rounds + 1 {
		order := append([]*contender{}, all...)
		if i%2 == 1 {
			order[1], order[2] = order[2], order[1]
		}
		for _, c := range order {
			t := b.hyperfine(fmt.Sprintf("rm -rf %s %s; sync", r.to, r.peer), c.command)
			if i > 0 { // the first round warms up
				c.wall, c.cpu = append(c.wall, t.Median), append(c.cpu, t.User+t.System)
			}
		}
		if i > 0 {
			fmt.Printf("  round %d: %s %.2f s, %s %.2f s, %s %.2f s\n", i, all[0].name, all[0].wall[i-1],
				all[1].name, all[1].wall[i-1], all[2].name, all[2].wall[i-1])
		}
	}
	for _, c := range all {
		fmt.Printf("  median of %s: %.2f s wall, %.2f s processor\n", c.name, median(c.wall), median(c.cpu))
	}
	mine := median(all[0].wall)
	fmt.Printf("  speed %.2f of the peer's (wanted: at least 0.9); %.2f with sync; processor %.2f\n", median(all[1].wall)/mine,
		median(all[2].wall)/mine, median(all[0].cpu)/median(all[1].cpu))
	fmt.Printf("  limited by %s (%.2f of %d cores busy)\n", limit(all[0]), median(all[0].cpu)/mine, cores())
}

// prepareRestore makes both artifacts of one data directory.
func (b *bench) prepareRestore() *restoring {
	r := &restoring{b: b, identity: filepath.Join(b.dir, "restore-key.txt"), to: filepath.Join(b.dir, "restored"),
		peer: filepath.Join(b.dir, "peer-restored"), packed: filepath.Join(b.dir, "peer.tar.zst.enc"),
		secret: "-aes-256-ctr -K " + strings.Repeat("4b", 32) + " -iv " + strings.Repeat("17", 16)}
	public := strings.TrimSpace(r.output(b.binary, "keygen", "--output", r.identity))
	r.file, _ = b.job("restore", b.dataDir)
	r.encrypt(public)
	run := b.command(r.file)
	r.output(run[0], run[1:]...)
	r.output("sh", "-c", fmt.Sprintf("tar -C %s -cf - . | zstd -1 -T0 -q | openssl enc -e %s -out %s", b.dataDir, r.secret, r.packed))
	return r
}

// encrypt adds a recipient to the job file.
func (r *restoring) encrypt(public string) {
	text, err := os.ReadFile(r.file)
	if err != nil {
		r.b.t.Fatal(err)
	}
	job := strings.Replace(string(text), "  artifact {", fmt.Sprintf("  encrypt {\n    recipients = [%q]\n  }\n  artifact {", public), 1)
	if err := os.WriteFile(r.file, []byte(job), 0o600); err != nil {
		r.b.t.Fatal(err)
	}
}

// output runs a command and returns what it prints.
func (r *restoring) output(name string, args ...string) string {
	out, err := exec.CommandContext(r.b.ctx(), name, args...).Output()
	if err != nil {
		r.b.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}
