//go:build faults && unix

package fault

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The variables that orders come from.
const (
	orders         = "DRYDOCK_FAULT"
	guardianOrders = "DRYDOCK_FAULT_GUARDIAN"
	trace          = "DRYDOCK_FAULT_TRACE"
)

const (
	hangFor = 30 * time.Second
	// notice is how long a point waits after SIGTERM, so that the agent has noticed it when it goes on.
	notice = 50 * time.Millisecond
)

// InjectedError is the error of a point whose order is "error".
type InjectedError struct{ Point string }

// Error names the point.
func (e *InjectedError) Error() string { return "injected fault at " + e.Point }

// Around passes the two points of a boundary, and calls f between them.
func Around(boundary string, f func() error) error {
	if err := pass(boundary + before); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return pass(boundary + after)
}

// AroundStep passes the two points of a checkpoint.
func AroundStep(step, moment string, f func() error) error { return Around("step."+step+"."+moment, f) }

// GuardianEnv returns the guardian's own orders, in the variables that it reads. The agent's are not among them.
func GuardianEnv() []string {
	env := []string{orders + "=" + os.Getenv(guardianOrders)}
	if path := os.Getenv(trace); path != "" {
		env = append(env, trace+"="+path+".guardian")
	}
	return env
}

// pass carries out the order for a point, if there is one.
func pass(point string) error {
	note(point)
	switch take(point) {
	case "":
	case "kill":
		die()
	case "kill-all":
		killProviders()
		die()
	case "term":
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM) // our own process is there
		time.Sleep(notice)
	case "error":
		return &InjectedError{point}
	case "hang":
		time.Sleep(hangFor)
	}
	return nil
}

// take returns the mode of a point's order, and forgets the order.
func take(point string) string {
	all := strings.Split(os.Getenv(orders), ",")
	for i, order := range all {
		name, mode, _ := strings.Cut(order, "=")
		if name != point {
			continue
		}
		if !slices.Contains(Modes(), mode) {
			panic(fmt.Sprintf("fault %s: unknown mode %q", point, mode))
		}
		_ = os.Setenv(orders, strings.Join(slices.Delete(all, i, i+1), ",")) // the name is a good one
		return mode
	}
	return ""
}

// note writes a point down where the tests look for it.
func note(point string) {
	path := os.Getenv(trace)
	if path == "" {
		return
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(point + "\n")
		_ = f.Close() // written is written
	}
	if err != nil {
		panic(err) // a test that looks at the trace must not miss a point
	}
}

// die does not return: the signal may take a moment.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
