package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// KeyringFile is where a server with the Keyring option has its keys.
func (s *Server) KeyringFile() string { return filepath.Join(s.Dir, "keyring", "keys") }

// writeKeyring makes MariaDB's key file, or the files that make MySQL load its keyring component, and an empty keyring: what
// MySQL creates itself while it is still root, it cannot write to later.
func (s *Server) writeKeyring() error {
	dir := filepath.Dir(s.KeyringFile())
	if err := errors.Join(os.Mkdir(dir, 0o700), Chown(dir)); err != nil {
		return err
	}
	files := map[string]string{s.KeyringFile(): "1;" + strings.Repeat("0123456789abcdef", 4) + "\n"}
	if s.Product == install.MySQL {
		files = map[string]string{
			s.KeyringFile():                                        "",
			filepath.Join(s.DataDir, "mysqld.my"):                  `{"components": "file://component_keyring_file"}`,
			filepath.Join(s.DataDir, "component_keyring_file.cnf"): fmt.Sprintf(`{"path": %q, "read_only": false}`, s.KeyringFile()),
		}
	}
	for name, text := range files {
		if err := errors.Join(os.WriteFile(name, []byte(text), 0o600), Chown(name)); err != nil {
			return err
		}
	}
	return nil
}
