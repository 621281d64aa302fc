package install

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tool is a program and the Debian package that has it.
type tool struct{ program, pkg string }

// toolsOf lists the programs of a component.
func toolsOf(component string) []tool {
	switch component {
	case Systemd:
		return []tool{{"systemd-nspawn", "systemd-container"}, {"dbus-daemon", "dbus"}, {"/lib/systemd/systemd", "systemd"}}
	case Peers:
		return []tool{{"hyperfine", "hyperfine"}, {"zstd", "zstd"}, {"taskset", "util-linux"}}
	case Movers:
		return append(sshdTools(), tool{"scp", "openssh-client"}, tool{"rclone", "rclone"}, tool{"restic", "restic"})
	case Python:
		return pythonTools()
	case Sealed:
		return sealedTools()
	case SSHD:
		return sshdTools()
	}
	return []tool{{"unzip", "unzip"}, {"7zz", "7zip"}}
}

// missing returns the packages of the tools that are not there.
func missing(tools []tool) []string {
	var pkgs []string
	for _, t := range tools {
		if !present(t.program) {
			pkgs = append(pkgs, t.pkg)
		}
	}
	return pkgs
}

// present reports whether a program is on the path, or a file where an absolute path says.
func present(program string) bool {
	if filepath.IsAbs(program) {
		_, err := os.Stat(program)
		return err == nil
	}
	_, err := exec.LookPath(program)
	return err == nil
}

// aptInstall installs the packages of missing tools into the system. Only root can; anybody else learns what to type.
func aptInstall(ctx context.Context, log io.Writer, tools []tool) error {
	pkgs := missing(tools)
	if len(pkgs) == 0 {
		return nil
	}
	if err := refuse(pkgs); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("missing packages; type: sudo apt-get install -y --no-install-recommends %s", strings.Join(pkgs, " "))
	}
	say(log, "installing with apt: %s", strings.Join(pkgs, " "))
	if _, err := run(ctx, "", nil, "apt-get", "-qq", "update"); err != nil {
		return err
	}
	args := append([]string{"-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", "install"}, pkgs...)
	_, err := run(ctx, "", nil, "apt-get", args...)
	return err
}

// Missing names the packages that a component of tools lacks.
func Missing(component string) []string {
	return missing(toolsOf(component))
}
