package mysql

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// encryption finds out whether files are encrypted and where the keys lie. Only files that hold keys are named, not
// those that configure where the keys are.
func (a *asking) encryption(ctx context.Context) error {
	if a.maria {
		return a.mariaEncryption(ctx)
	}
	a.encryptedBy("innodb_redo_log_encrypt", "innodb_undo_log_encrypt", "binlog_encryption", "default_table_encryption")
	a.keyring(a.vars["keyring_file_data"]) // the plugin that came before the component
	if err := a.keyringComponent(ctx); err != nil {
		return err
	}
	if !a.since(8, 0, 16) {
		return nil
	}
	rows, err := a.rows(ctx, "SELECT NAME FROM information_schema.INNODB_TABLESPACES WHERE ENCRYPTION = 'Y' LIMIT 1")
	a.encrypted(len(rows) > 0)
	return err
}

// encrypted notes that something is encrypted.
func (a *asking) encrypted(yes bool) { a.facts.EncryptionAtRest = a.facts.EncryptionAtRest || yes }

// encryptedBy notes what variables switch on.
func (a *asking) encryptedBy(names ...string) {
	for _, name := range names {
		a.encrypted(isOn(a.vars[name]))
	}
}

// keyring notes a file that holds keys.
func (a *asking) keyring(file string) {
	if file != "" {
		a.encrypted(true)
		a.facts.KeyringFiles = append(a.facts.KeyringFiles, a.path(file))
	}
}

// keyringComponent asks the server where its keyring is. That takes the right to read performance_schema, which the
// agent's user has no other use for, so without it the component's own files tell.
func (a *asking) keyringComponent(ctx context.Context) error {
	status, err := a.pairs(ctx, "SELECT STATUS_KEY, STATUS_VALUE FROM performance_schema.keyring_component_status")
	switch {
	case err == nil:
		a.encrypted(status["Component_status"] == "Active")
		a.keyring(status["Data_file"])
		return nil
	case notAllowed(err), isNumber(err, 1146): // no such table before 8.0.24
		a.keyringFiles()
		return nil
	}
	return err
}

// manifests are the places of a component manifest: beside the server program and, when that one says so, in the data
// directory.
func (a *asking) manifests() []string {
	base := a.vars["basedir"]
	return []string{
		filepath.Join(base, "bin", "mysqld.my"), filepath.Join(base, "sbin", "mysqld.my"),
		filepath.Join(base, "libexec", "mysqld.my"), filepath.Join(a.facts.DataDir, "mysqld.my"),
	}
}

// keyringFiles reads the manifests and the configuration of the components that they name, as the server does.
func (a *asking) keyringFiles() {
	for _, name := range a.manifests() {
		var manifest struct {
			Components string `json:"components"`
		}
		if readJSON(name, &manifest) != nil {
			continue
		}
		for component := range strings.SplitSeq(manifest.Components, ",") {
			component = strings.TrimPrefix(strings.TrimSpace(component), "file://")
			if strings.HasPrefix(component, "component_keyring_") {
				a.encrypted(true)
				a.keyring(a.componentPath(component))
			}
		}
	}
}

// componentPath reads where a keyring component keeps its keys; "" when it keeps them elsewhere than in a file.
func (a *asking) componentPath(component string) string {
	var cnf struct {
		Path  string `json:"path"`
		Local bool   `json:"read_local_config"`
	}
	name := component + ".cnf"
	if readJSON(filepath.Join(a.vars["plugin_dir"], name), &cnf) != nil || cnf.Local {
		if readJSON(filepath.Join(a.facts.DataDir, name), &cnf) != nil {
			return ""
		}
	}
	return cnf.Path
}

// readJSON reads a small file of the server's. Who may not read it learns less.
func readJSON(name string, into any) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func (a *asking) mariaEncryption(ctx context.Context) error {
	a.encryptedBy("innodb_encrypt_tables", "innodb_encrypt_log", "aria_encrypt_tables", "encrypt_binlog")
	a.keyring(a.vars["file_key_management_filename"])
	a.facts.KeyringCipher = a.vars["file_key_management_encryption_algorithm"]
	if file, ok := strings.CutPrefix(a.vars["file_key_management_filekey"], "FILE:"); ok {
		a.keyring(file)
	}
	rows, err := a.rows(ctx,
		"SELECT NAME FROM information_schema.INNODB_TABLESPACES_ENCRYPTION WHERE ENCRYPTION_SCHEME <> 0 LIMIT 1")
	if isNumber(err, 1109) { // "unknown table": InnoDB is off
		return nil
	}
	a.encrypted(len(rows) > 0)
	return err
}
