//go:build !linux

package testenv

import "os/exec"

func detach(*exec.Cmd) {}

// Processes returns nothing: servers for tests run on Linux only.
func (s *Server) Processes() []int { return nil }
