package testenv

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// Mover is another program that moves files to a server of its own, over an encrypted connection on this host: what a benchmark
// of the receiver compares with.
type Mover struct {
	Name string
	// Prepare makes what the next move needs. It may be nil.
	Prepare func(round int)
	// Move moves a file, and returns when the server has it.
	Move func(file string, round int)
	// Dir holds what the server has taken, and nothing else: it may be emptied between moves.
	Dir string
}

// Movers starts rclone's server, restic's rest-server and OpenSSH's sshd, and returns their clients: rclone, restic and scp.
// The servers end with the test. Certificates are those of a receiver, and of a client that was enrolled there.
func Movers(t testing.TB, r *Receiver, client map[string]any) []Mover {
	t.Helper()
	return []Mover{rclone(t, r, client), restic(t, r), scp(t)}
}

// moverDir makes the directory of a server's data.
func moverDir(t testing.TB, dir string) string {
	t.Helper()
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	return data
}

// move runs a client to its end.
func move(t testing.TB, env []string, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// serve starts a server and waits until it takes connections.
func serve(t testing.TB, dir, addr, program string, args ...string) {
	t.Helper()
	ended := launch(t, filepath.Join(dir, "log"), exec.CommandContext(context.WithoutCancel(t.Context()), program, args...))
	dialer := net.Dialer{Timeout: time.Second}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if c, err := dialer.DialContext(t.Context(), "tcp", addr); err == nil {
			_ = c.Close()
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended by itself", program)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen at %s", program, addr)
		}
	}
}

func localAddr(t testing.TB) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t))) }

// rclone moves over WebDAV, with certificates on both sides.
func rclone(t testing.TB, r *Receiver, client map[string]any) Mover {
	t.Helper()
	dir, addr := Dir(t), localAddr(t)
	data := moverDir(t, dir)
	serve(t, dir, addr, "rclone", "serve", "webdav", data, "--config", filepath.Join(dir, "none"), "--addr", addr,
		"--cert", filepath.Join(r.PKI, "server.pem"), "--key", filepath.Join(r.PKI, "server-key.pem"),
		"--client-ca", filepath.Join(r.PKI, "ca.pem"))
	return Mover{Name: "rclone", Dir: data, Move: func(file string, round int) {
		move(t, nil, "rclone", "copyto", file, fmt.Sprintf(":webdav:moved-%d", round), "--config", filepath.Join(dir, "none"),
			"--webdav-url", "https://"+addr, "--ca-cert", client["ca_file"].(string),
			"--client-cert", client["cert_file"].(string), "--client-key", client["key_file"].(string))
	}}
}

// restic moves into a repository of its own for each round, since it does not send what is there already.
func restic(t testing.TB, r *Receiver) Mover {
	t.Helper()
	program, err := install.Built(install.RestServer)
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := Dir(t), localAddr(t)
	data := moverDir(t, dir)
	serve(t, dir, addr, program, "--path", data, "--listen", addr, "--no-auth", "--tls",
		"--tls-cert", filepath.Join(r.PKI, "server.pem"), "--tls-key", filepath.Join(r.PKI, "server-key.pem"))
	run := func(round int, args ...string) {
		env := []string{"RESTIC_PASSWORD=of-the-benchmark", "RESTIC_CACHE_DIR=" + filepath.Join(dir, "cache"),
			fmt.Sprintf("RESTIC_REPOSITORY=rest:https://%s/round-%d/", addr, round)}
		move(t, env, "restic", append([]string{"--cacert", filepath.Join(r.PKI, "ca.pem")}, args...)...)
	}
	return Mover{
		Name: "restic to rest-server", Dir: data,
		Prepare: func(round int) { run(round, "init") },
		Move:    func(file string, round int) { run(round, "--compression", "off", "backup", file) },
	}
}

// scp moves with the cipher that TLS has picked on the other ways.
func scp(t testing.TB) Mover {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir, port := Dir(t), strconv.Itoa(freePort(t))
	addr, data := net.JoinHostPort("127.0.0.1", port), moverDir(t, dir)
	host, key := filepath.Join(dir, "host"), filepath.Join(dir, "user")
	for _, name := range []string{host, key} {
		move(t, nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name)
	}
	config := filepath.Join(dir, "config")
	text := "ListenAddress " + addr + "\nHostKey " + host + "\nAuthorizedKeysFile " + key + ".pub\nPidFile none\nStrictModes no\n" +
		"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n" +
		"Subsystem sftp internal-sftp\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" { // where root's server puts its children before the login
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	serve(t, dir, addr, "/usr/sbin/sshd", "-D", "-e", "-f", config)
	return Mover{Name: "scp", Dir: data, Move: func(file string, round int) {
		move(t, nil, "scp", "-q", "-F", "none", "-P", port, "-i", key, "-c", "aes128-gcm@openssh.com", "-o", "BatchMode=yes",
			"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile="+filepath.Join(dir, "known"),
			file, fmt.Sprintf("%s@127.0.0.1:%s/moved-%d", me.Username, data, round))
	}}
}
