package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// sinkName is the argument that makes this program the other end of a plain copy.
const sinkName = "tls-sink"

// plainBuffer is how much a plain copy reads and writes at a time.
const plainBuffer = 1 << 20

// sink takes one file after another over TLS, writes it to a path and flushes it, or drops it when the path is empty, and
// answers with one byte. It prints its address, and ends with its standard input.
func sink(args []string) error {
	if len(args) != 4 {
		return errors.New("tls-sink CA CERT KEY FILE")
	}
	config, err := mutual(args[0], args[1], args[2])
	if err != nil {
		return err
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() { // ends the process's only loop
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		_ = take(c, args[3]) // the client lacks its answer
		_ = c.Close()
	}
}

// take reads a file from a connection.
func take(c net.Conn, name string) error {
	to := io.Discard
	var f *os.File
	if name != "" {
		var err error
		if f, err = os.Create(name); err != nil {
			return err
		}
		defer f.Close()
		to = f
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{c}, make([]byte, plainBuffer)); err != nil {
		return err
	}
	if f != nil {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	_, err := c.Write([]byte{1})
	return err
}

// mutual is a configuration for both ends.
func mutual(ca, cert, key string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, RootCAs: pool, ClientCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert,
	}, nil
}

// plain copies files to a sink in a process of its own.
type plain struct {
	addr   string
	pid    int // of the sink
	config *tls.Config
}

// plain starts a sink that writes to a file; an empty name drops everything.
func (b *bench) plain(r *testenv.Receiver, client map[string]any, name string) *plain {
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	pki := func(name string) string { return filepath.Join(r.PKI, name) }
	cmd := exec.CommandContext(b.ctx(), self, sinkName, pki("ca.pem"), pki("server.pem"), pki("server-key.pem"), name)
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	cmd.Stderr = os.Stderr
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.t.Fatal(err)
	}
	config, err := mutual(client["ca_file"].(string), client["cert_file"].(string), client["key_file"].(string))
	if err != nil {
		b.t.Fatal(err)
	}
	return &plain{strings.TrimSpace(addr), cmd.Process.Pid, config}
}

// copy sends a file, and returns when the other side has it.
func (p *plain) copy(ctx context.Context, f *os.File, size int64) error {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Minute}, Config: p.config}
	c, err := dialer.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	from := struct{ io.Reader }{io.NewSectionReader(f, 0, size)}
	if _, err := io.CopyBuffer(struct{ io.Writer }{c}, from, make([]byte, plainBuffer)); err != nil {
		return err
	}
	if err := c.(*tls.Conn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err
}

// cipher tells what both ends agree on at an address.
func (p *plain) cipher(ctx context.Context, addr string) (string, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Minute}, Config: p.config}
	c, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return tls.CipherSuiteName(c.(*tls.Conn).ConnectionState().CipherSuite), nil
}
