package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/notify"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// faultEnv tells the provider of these tests which promise it breaks.
const faultEnv = "DRYDOCK_TEST_FAULT"

func TestMain(m *testing.M) { conformance.Main(m, func() { serve(os.Getenv(faultEnv)) }) }

type config struct {
	To    string        `hcl:"to" example:"ops" doc:"Who is told."`
	Token schema.Secret `hcl:"token,optional" doc:"Opens the door."`
	Tries int           `hcl:"tries,optional" default:"1" doc:"How often."`
}

type undocumented struct {
	Password string `hcl:"password,optional"`
}

// serve is a notifier that breaks one promise.
func serve(fault string) {
	p := notify.NewProvider("faulty", "1.0.0", "Tells nobody.", func(_ context.Context, c *config) (notify.Notifier, error) {
		return open(fault, c)
	})
	switch fault {
	case "print":
		fmt.Println("welcome to this provider")
	case "version":
		p.Version = "one"
	case "undocumented":
		p = notify.NewProvider("faulty", "1.0.0", "Tells nobody.", func(context.Context, *undocumented) (notify.Notifier, error) {
			return &notifier{}, nil
		})
	case "accept":
		p.Open = func(context.Context, []byte) (notify.Notifier, []schema.Diagnostic, error) {
			return &notifier{}, nil, nil
		}
	case "no path":
		p.Open = func(_ context.Context, text []byte) (notify.Notifier, []schema.Diagnostic, error) {
			has := func(part string) bool { return strings.Contains(string(text), part) }
			if has("no_such") || has("42") || !has(`"to"`) {
				return nil, []schema.Diagnostic{{Summary: "something is wrong"}}, nil
			}
			return &notifier{}, nil, nil
		}
	case "quote":
		p.Open = func(_ context.Context, text []byte) (notify.Notifier, []schema.Diagnostic, error) {
			return nil, []schema.Diagnostic{{Path: []string{"token"}, Summary: "not right: " + string(text)}}, nil
		}
	}
	notify.Serve(p)
}

func open(fault string, c *config) (notify.Notifier, error) {
	n := &notifier{fault: fault, token: c.Token.Reveal()}
	switch fault {
	case "log":
		slog.Debug("opened", "token", n.token)
	case "stderr":
		fmt.Fprintln(os.Stderr, "opened with", n.token)
	case "stdout":
		fmt.Println("opened with", n.token)
	case "error":
		return nil, errs.New(errs.Permission, "the door does not open with %s", n.token)
	case "arguments":
		return n, exec.Command("sh", "-c", "sleep 60; : "+n.token).Start()
	case "environment":
		cmd := exec.Command("sleep", "60")
		cmd.Env = []string{"TOKEN=" + n.token}
		return n, cmd.Start()
	case "freeze":
		time.AfterFunc(20*time.Millisecond, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) })
	}
	return n, nil
}

type notifier struct{ fault, token string }

// Send fails, as a notifier does whose other side is away.
func (n *notifier) Send(context.Context, notify.Event) error {
	if n.fault == "send" {
		return errors.New("refused: " + n.token)
	}
	return errors.New("nobody is there")
}

// Close is called when the agent is gone. A process that stands still then does not end.
func (n *notifier) Close() error {
	if n.fault == "cling" {
		time.Sleep(300 * time.Millisecond) // the kernel wakes those up that stand still when their parent goes
		_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
		time.Sleep(time.Minute) // the signal may reach another thread a moment later
	}
	return nil
}

func provider(fault string, limits conformance.Limits) conformance.Provider {
	return conformance.Provider{
		Binary: func(t conformance.T) conformance.Binary {
			b := conformance.Self(t, "notify", "faulty")
			b.Env = append(b.Env, faultEnv+"="+fault, "PATH="+os.Getenv("PATH"))
			return b
		},
		Config: func(conformance.T) map[string]any { return map[string]any{"to": "ops", "token": "hunter-hunter"} },
		Use: func(t conformance.T, p *host.Process) error {
			n, err := p.Notifier()
			if err != nil {
				return err
			}
			time.Sleep(50 * time.Millisecond) // so that children are seen and what freezes is frozen
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return n.Send(ctx, notify.Event{ID: "event-1"})
		},
		Limits: limits,
	}
}

func TestGoodProcessPasses(t *testing.T) {
	conformance.Test(t, conformance.Cases(provider("", conformance.Limits{})))
}

// TestBrokenProcessesFail breaks one promise at a time; the case that guards it must notice, and say what is wrong without
// showing the secret.
func TestBrokenProcessesFail(t *testing.T) {
	tests := []struct{ fault, name, says string }{
		{"print", "clean-stdout", `it printed "welcome to this provider" on standard output before the handshake`},
		{"version", "description", `version "one"`},
		{"undocumented", "description", `attribute "password" sounds like a secret`},
		{"accept", "unknown-attribute", "accepted; want a diagnostic"},
		{"accept", "wrong-type", "accepted; want a diagnostic"},
		{"accept", "missing-attribute", "accepted; want a diagnostic"},
		{"no path", "unknown-attribute", "no diagnostic has a path"},
		{"no path", "wrong-type", "no diagnostic has a path"},
		{"no path", "missing-attribute", "no diagnostic has a path"},
		{"log", "no-secrets-shown", "a secret shows in the log"},
		{"stderr", "no-secrets-shown", "a secret shows in the log"},
		{"stdout", "no-secrets-shown", "a secret shows in the log"},
		{"error", "no-secrets-shown", "a secret shows in the error of Configure"},
		{"quote", "no-secrets-shown", "a secret shows in a diagnostic"},
		{"send", "no-secrets-shown", "a secret shows in an error of the provider"},
		{"arguments", "no-secrets-shown", "a secret shows in the arguments of process"},
		{"environment", "no-secrets-shown", "a secret shows in the environment of process"},
		{"freeze", "health", "after work"},
		{"freeze", "stop", "had to be killed"},
		{"cling", "orphan", "live on after 5s"},
		{"", "footprint", "and the limit is"},
	}
	// All at once, and not by t.Parallel: most of them wait for something that stands still.
	results := make([]conformance.Result, len(tests))
	var runs sync.WaitGroup
	for i, tt := range tests {
		runs.Go(func() { results[i] = runCase(t.Context(), tt.fault, tt.name) })
	}
	runs.Wait()
	for i, tt := range tests {
		t.Run(tt.fault+" "+tt.name, func(t *testing.T) {
			log := strings.Join(results[i].Log, "\n")
			if results[i].Passed || !strings.Contains(log, tt.says) || strings.Contains(log, "hunter-hunter") {
				t.Errorf("passed %v, log:\n%s\nwant a failure that says %q and not the secret", results[i].Passed, log, tt.says)
			}
		})
	}
}

func runCase(ctx context.Context, fault, name string) conformance.Result {
	for _, c := range conformance.Cases(provider(fault, conformance.Limits{Start: time.Microsecond, Memory: 1})) {
		if c.Name == name {
			return conformance.Run(ctx, c, time.Minute)
		}
	}
	return conformance.Result{Passed: true, Log: []string{"there is no such case"}}
}
