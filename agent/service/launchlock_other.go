//go:build !unix

package service

import (
	"context"
	"os"
	"os/exec"
)

// lockLaunch does nothing here: a child inherits no locks.
func (c *command) lockLaunch(context.Context, *exec.Cmd) (*os.File, error) { return nil, nil }
