package service

import (
	"context"
	"time"
)

// UnitState is what systemd says about a unit (org.freedesktop.systemd1(5) has the values).
type UnitState struct {
	LoadState   string        // loaded, not-found, masked, bad-setting, error
	ActiveState string        // active, reloading, inactive, failed, activating, deactivating
	SubState    string        // running, dead, auto-restart, ...
	Result      string        // success, exit-code, timeout, oom-kill, ...
	ExitStatus  int           // of the last main process
	MainPID     int           // in systemd's PID namespace; 0 when there is none
	Type        string        // simple, notify, forking, ...
	Restart     string        // no, always, on-failure, ...: a server that ends otherwise than by Stop may come back
	KillMode    string        // control-group, mixed, process, none
	TimeoutStop time.Duration // after which systemd kills a server that is still stopping; 0 means never
}

// Uniter is a Manager that has a unit: the one of service "systemd".
type Uniter interface {
	Unit(ctx context.Context) (UnitState, error)
}

// idle reports whether systemd has no process of the unit.
func (s UnitState) idle() bool { return s.ActiveState == "inactive" || s.ActiveState == "failed" }
