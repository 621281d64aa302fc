package testenv_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// sink accepts connections, and tells for each how many bytes came before its end.
func sink(t *testing.T) (addr string, got <-chan int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ends := make(chan int64, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n, _ := io.Copy(io.Discard, c) // however it ends
			_ = c.Close()
			ends <- n
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String(), ends
}

// write sends n bytes through the proxy and returns how the connection ended.
func write(t *testing.T, addr string, n int) error {
	t.Helper()
	c, err := net.DialTimeout("tcp", addr, time.Minute)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write(make([]byte, n)); err != nil {
		return err
	}
	return c.(*net.TCPConn).CloseWrite()
}

// A cut comes at exactly the byte that was asked for, again and again; a healed network carries everything.
func TestToxiproxy(t *testing.T) {
	addr, got := sink(t)
	p := testenv.Toxiproxy(t, addr)
	for _, n := range []int64{1, 77777, 5} {
		p.CutAfter(t, testenv.ToServer, n)
		_ = write(t, p.Addr(), 100000) // may have been written before the cut is noticed
		if at := <-got; at != n {
			t.Errorf("cut after %d bytes, want %d", at, n)
		}
	}
	p.Heal(t)
	if err := write(t, p.Addr(), 100000); err != nil {
		t.Error(err)
	}
	if n := <-got; n != 100000 {
		t.Errorf("%d bytes arrived through a healed network", n)
	}
	before := p.Addr()
	p.Down()
	var op *net.OpError
	if err := write(t, before, 1); !errors.As(err, &op) {
		t.Errorf("the network is down, and the connection ends with %v", err)
	}
	p.Up(t)
	if err := write(t, before, 10); err != nil {
		t.Error(err)
	}
	if n := <-got; n != 10 {
		t.Errorf("%d bytes arrived after the network came back", n)
	}
}
