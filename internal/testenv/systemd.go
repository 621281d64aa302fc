package testenv

// SystemdHost is a real systemd, PID 1 of a container whose root is an overlay over this machine's own root: programs
// are where they are, and nothing is written. It shares the machine's network.
type SystemdHost struct {
	Bus   string // D-Bus address of its system bus, for everybody on this machine
	Share string // directory that both sides see under the same name

	root   string // the container's root directory
	leader int    // PID of its systemd, as this machine sees it
}
