//go:build !linux

package testenv

import "testing"

// Systemd fails the test: systemd needs Linux.
func Systemd(t testing.TB) *SystemdHost {
	t.Helper()
	t.Fatal("a real systemd runs on linux only")
	return nil
}

// Unit fails the test.
func (h *SystemdHost) Unit(t testing.TB, _, _ string) {
	t.Helper()
	t.Fatal("no systemd on this system")
}

// Systemctl fails the test.
func (h *SystemdHost) Systemctl(t testing.TB, _ ...string) string {
	t.Helper()
	t.Fatal("no systemd on this system")
	return ""
}
