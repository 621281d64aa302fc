//go:build !linux

package service

import (
	"runtime"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/sdk/errs"
)

func newUnit(s job.Service, _ Options) (Manager, error) {
	return nil, errs.New(errs.Unsupported, "service \"systemd\" (unit %s): there is no systemd on %s; use \"exec\"",
		s.Unit, runtime.GOOS)
}
