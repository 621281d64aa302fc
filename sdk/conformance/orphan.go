package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/sdk/host"
)

// agentEnv tells a test binary that it is the agent that is about to be killed.
const agentEnv = "DRYDOCK_CONFORMANCE_AGENT"

// role is what the case tells its agent. It goes through a pipe, since the configuration may hold secrets.
type role struct {
	Binary    Binary
	Config    map[string]any
	SocketDir string
}

// PlayAgent is the main function of the agent that the case "orphan" kills: it reads from in which provider to start,
// writes the provider's process id to out, and waits for its end. When in ends first, it stops the provider and returns.
func PlayAgent(in io.Reader, out io.Writer) error {
	input := bufio.NewReader(in)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("play the agent: read what to do: %w", err)
	}
	var r role
	if err := json.Unmarshal(line, &r); err != nil {
		return fmt.Errorf("play the agent: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p, err := r.start(ctx)
	if err != nil {
		return fmt.Errorf("play the agent: %w", err)
	}
	fmt.Fprintln(out, p.PID())
	_, _ = input.ReadByte() // the case closes its end when it ends without a kill
	return p.Stop(ctx)
}

func (r *role) start(ctx context.Context) (*host.Process, error) {
	b := r.Binary
	p, err := host.Start(ctx, host.Command{
		Kind: b.Kind, Name: b.Name, Path: b.Path, Args: b.Args, Env: b.Env, SocketDir: r.SocketDir,
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(r.Config)
	if err == nil {
		_, err = p.Configure(ctx, text)
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop(ctx))
	}
	return p, nil
}

// agentCommand starts an agent for the case.
func (s *subject) agentCommand() *exec.Cmd {
	s.Helper()
	line := s.Agent
	if len(line) == 0 {
		self, err := os.Executable()
		if err != nil {
			s.Fatalf("find the test binary: %v", err)
		}
		line = []string{self, "-test.run=^$"} // a TestMain without Main runs no test, and so does not start itself again
	}
	cmd := exec.CommandContext(s.Context(), line[0], line[1:]...)
	cmd.Env = append(os.Environ(), agentEnv+"=1")
	return cmd
}

func orphan(s *subject) {
	cmd := s.agentCommand()
	var messages buffer
	cmd.Stderr = &messages
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		s.Fatalf("start an agent: %v", err)
	}
	order, err := json.Marshal(role{Binary: s.Binary(s.T), Config: s.Config(s.T), SocketDir: tempSocketDir(s.T)})
	if err != nil {
		s.Fatalf("encode the configuration: %v", err)
	}
	if err := cmd.Start(); err != nil {
		s.Fatalf("start an agent: %v", err)
	}
	kill := func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	s.Cleanup(kill)
	_, err = in.Write(append(order, '\n'))
	line, errRead := bufio.NewReader(out).ReadString('\n')
	pid, errPID := strconv.Atoi(strings.TrimSpace(line))
	if err := errors.Join(err, errRead, errPID); err != nil {
		s.Fatalf("the agent did not start the provider (does TestMain call conformance.Main?): %v\n%s", err, messages.String())
	}
	kill()
	s.goneWithin(pid)
}

// goneWithin waits for the end of an orphan and its children, and ends them when they stay.
func (s *subject) goneWithin(pid int) {
	s.Helper()
	began := time.Now()
	for len(group(pid)) > 0 {
		if time.Since(began) > orphanBound {
			s.Errorf("the agent was killed, and processes %v of the provider live on after %s", group(pid), orphanBound)
			for _, left := range group(pid) {
				if p, err := os.FindProcess(left); err == nil {
					_ = p.Kill()
				}
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.Logf("gone after %s", time.Since(began).Round(time.Millisecond))
}

// tempSocketDir is a socket directory that may be gone, or not empty, at the end: an orphan has nobody to clean up after it.
func tempSocketDir(t T) string {
	t.Helper()
	dir, err := os.MkdirTemp(shortTemp(), "ddc")
	if err != nil {
		t.Fatalf("make a socket directory: %v", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
