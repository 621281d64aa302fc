package guardian

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/service"
)

const (
	// readyLimit bounds the start of a guardian, and disarmLimit its end. Both take milliseconds on a healthy host.
	readyLimit  = time.Minute
	disarmLimit = 30 * time.Second
	writeLimit  = 5 * time.Second

	wordReady  = "ready"
	wordBeat   = "beat"
	wordDisarm = "disarm"
)

// process is one guardian, as its agent sees it.
type process struct {
	cmd    *exec.Cmd
	orders *os.File
	exited chan struct{} // closed once it is reaped
}

// launch starts a guardian and returns when it is ready.
func launch(ctx context.Context, o Options, order Order) (*process, error) {
	line, err := order.encode()
	if err != nil {
		return nil, fmt.Errorf("encode the order: %w", err)
	}
	log, err := openLog(LogPath(order.StateDir, order.Job))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	p, replies, err := spawn(ctx, o.Command, log)
	if err != nil {
		return nil, err
	}
	defer replies.Close()
	if err := p.instruct(ctx, line, replies); err != nil {
		p.kill()
		return nil, fmt.Errorf("%w; see %s", err, log.Name())
	}
	return p, nil
}

// spawn starts the process with a pipe each way. It lives on when ctx ends.
func spawn(ctx context.Context, command []string, log *os.File) (p *process, replies *os.File, err error) {
	in, orders, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	defer in.Close()
	replies, out, err := os.Pipe()
	if err != nil {
		return nil, nil, errors.Join(err, orders.Close())
	}
	defer out.Close()
	cmd := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, log
	service.Detach(cmd)
	cmd.Env = append(cmd.Env, fault.GuardianEnv()...)
	if err := cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, orders.Close(), replies.Close())
	}
	p = &process{cmd: cmd, orders: orders, exited: make(chan struct{})}
	go func() { // ends with the process, which disarm and kill see to
		_ = cmd.Wait() // how it ended says nothing that its log does not
		close(p.exited)
	}()
	return p, replies, nil
}

// instruct hands the order over and waits for the answer.
func (p *process) instruct(ctx context.Context, line []byte, replies *os.File) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, fmt.Errorf("it was not ready within %s", readyLimit))
	defer cancel()
	answer := make(chan error, 1)
	go func() { // ends with the process at the latest, which is killed when the wait ends
		if _, err := p.orders.Write(line); err != nil {
			answer <- fmt.Errorf("hand over the order: %w", err)
			return
		}
		answer <- readReady(replies)
	}()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		p.kill()
		return errors.Join(context.Cause(ctx), <-answer)
	}
}

func readReady(replies io.Reader) error {
	const most = 4 << 10
	reply, err := bufio.NewReader(io.LimitReader(replies, most)).ReadString('\n')
	switch reply = strings.TrimSpace(reply); {
	case reply == wordReady:
		return nil
	case reply != "":
		return errors.New(reply)
	case errors.Is(err, io.EOF):
		return errors.New("it ended at once")
	}
	return err
}

// tell sends a word. A guardian that does not read is found dead or frozen elsewhere.
func (p *process) tell(word string) error {
	_ = p.orders.SetWriteDeadline(time.Now().Add(writeLimit)) // not on every system; then the pipe's buffer must do
	_, err := io.WriteString(p.orders, word+"\n")
	return err
}

// disarm has it end, and ends it when it does not.
func (p *process) disarm() {
	_ = p.tell(wordDisarm) // when that fails, the wait ends at once or with a kill
	select {
	case <-p.exited:
		_ = p.orders.Close()
	case <-time.After(disarmLimit):
		p.kill()
	}
}

// kill ends it at once, and reaps it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // gone already is as good
	<-p.exited
	_ = p.orders.Close()
}
