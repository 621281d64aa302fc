package install

import (
	"errors"
	"os"
	"slices"
)

// Names that Install takes for what single tests need: the example plugins, and the documented ways to do without drydock.
// They are left out of Components, since those tests install them.
const (
	Python = "python-grpc"    // the system's Python with gRPC, and protoc
	Sealed = "age"            // age and the system's Python with cryptography, which open sealed artifacts
	SSHD   = "openssh-server" // a real server for SFTP, which the test starts itself, on a port of its own
)

// sshdPackage starts a server on port 22 when it is installed on a system that runs systemd.
const sshdPackage = "openssh-server"

// modules is where Debian's packages put Python's.
const modules = "/usr/lib/python3/dist-packages/"

func sealedTools() []tool {
	return []tool{{"age", "age"}, {"/usr/bin/python3", "python3"}, {modules + "cryptography", "python3-cryptography"}}
}

func pythonTools() []tool {
	return []tool{
		{"/usr/bin/python3", "python3"}, {modules + "grpc", "python3-grpcio"}, {modules + "google/protobuf", "python3-protobuf"},
		{modules + "cryptography", "python3-cryptography"}, {"protoc", "protobuf-compiler"}, {"make", "make"},
	}
}

func sshdTools() []tool {
	return []tool{{"/usr/sbin/sshd", sshdPackage}, {"/usr/lib/openssh/sftp-server", "openssh-sftp-server"}}
}

// refuse keeps a test from opening port 22 of a machine: there a person decides.
func refuse(pkgs []string) error {
	_, err := os.Stat("/run/systemd/system")
	if err != nil || !slices.Contains(pkgs, sshdPackage) {
		return nil
	}
	return errors.New("the package openssh-server starts a server on port 22; to have it without that, type as root: " +
		"systemctl mask ssh.service ssh.socket && apt-get install -y --no-install-recommends openssh-server")
}
