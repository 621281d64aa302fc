package store_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/drydock-backup/drydock/sdk/conformance"
)

// sshd is OpenSSH's server on a port of this host, run by the test as the current user.
type sshd struct {
	port       int
	user       string
	keyFile    string // of the user
	knownHosts string
}

// config returns the provider's configuration for a directory.
func (s *sshd) config(dir string) map[string]any {
	return map[string]any{"host": "127.0.0.1", "port": s.port, "user": s.user, "path": dir, "key_file": s.keyFile,
		"known_hosts": s.knownHosts, "timeout": "5s"}
}

// program finds a program of OpenSSH's server, which is on no ordinary user's PATH.
func program(t conformance.T, candidates ...string) string {
	t.Helper()
	for _, c := range candidates {
		if path, err := exec.LookPath(c); err == nil {
			return path
		}
	}
	t.Fatalf("%s is missing; type: apt-get install -y --no-install-recommends openssh-server", candidates[0])
	return ""
}

// startSSHD starts a server that ends with the test. sftpArgs are arguments of its sftp-server.
func startSSHD(t *testing.T, sftpArgs string) *sshd {
	t.Helper()
	binary := program(t, "sshd", "/usr/sbin/sshd")
	sftpServer := program(t, "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &sshd{port: freePort(t), user: me.Username, keyFile: filepath.Join(dir, "user"), knownHosts: filepath.Join(dir, "known")}
	hostKey, userKey := writeKey(t, filepath.Join(dir, "host"), ""), writeKey(t, s.keyFile, "")
	write(t, filepath.Join(dir, "authorized"), ssh.MarshalAuthorizedKey(userKey))
	write(t, s.knownHosts, []byte(knownhosts.Line([]string{net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))}, hostKey)+"\n"))
	write(t, filepath.Join(dir, "config"), fmt.Appendf(nil, `
ListenAddress 127.0.0.1:%d
HostKey %s/host
AuthorizedKeysFile %s/authorized
PidFile none
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp %s %s
`, s.port, dir, dir, sftpServer, sftpArgs))
	if me.Uid == "0" { // where root's server puts its children before the login
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t, binary, filepath.Join(dir, "config"))
	return s
}

// run starts the process and waits until it answers.
func (s *sshd) run(t *testing.T, binary, config string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "-D", "-e", "-f", config)
	cmd.Stderr = &output
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	for range 100 {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), time.Second)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("sshd has ended: %s", output.String())
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("sshd does not listen within 5 s")
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// writeKey makes a key pair, writes its private half and returns the public one.
func writeKey(t *testing.T, file, passphrase string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, pem.EncodeToMemory(block))
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
