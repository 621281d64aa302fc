package drill

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// component is the part of MySQL that keeps keys in a file.
const component = "component_keyring_file"

// KeyringManifest is the file beside the program or in the data directory that has MySQL load a keyring.
const KeyringManifest = "mysqld.my"

// maxKeys is more bytes than any file of keys has: a key takes some dozens.
const maxKeys = 16 << 20

// Keyring is what a server needs to read encrypted tables.
type Keyring struct {
	// Files hold the keys, as absolute paths or below the restored data. The server gets copies. Of MariaDB: the file of keys,
	// and where that is encrypted the file with its password. None: the server had a keyring, and no keys in it yet.
	Files []string
	// Of MariaDB: file_key_management_encryption_algorithm, and where the plugin file_key_management is; "": the defaults.
	Cipher, PluginDir string
}

// FindsKeys reports whether a server program has a keyring of its own, whatever it is started on: MySQL reads the file mysqld.my
// beside the program.
func FindsKeys(program string) bool {
	text, err := os.ReadFile(filepath.Join(filepath.Dir(program), KeyringManifest))
	var m struct {
		Components string `json:"components"`
		Local      bool   `json:"read_local_manifest"`
	}
	return err == nil && json.Unmarshal(text, &m) == nil && !m.Local && m.Components != ""
}

// Check refuses files that a server cannot be given, as far as that can be told without it.
func (k *Keyring) Check(product string) error {
	_, err := k.read(product, "")
	return err
}

// read reads the files of keys.
func (k *Keyring) read(product, data string) (texts [][]byte, err error) {
	most := 2
	if product != mysql.ProductMariaDB {
		most = 1
	}
	if len(k.Files) > most {
		return nil, errs.New(errs.Unsupported, "%d keyring files: %s has %d at most", len(k.Files), product, most)
	}
	for _, file := range k.Files {
		if !filepath.IsAbs(file) {
			file = filepath.Join(data, filepath.FromSlash(file))
		}
		text, err := readKeys(file)
		if err == nil && product != mysql.ProductMariaDB && len(text) > 0 && !json.Valid(text) {
			err = errs.New(errs.Unsupported, "it is not of MySQL's %s, the only one that a drill can use", component)
		}
		if err != nil {
			return nil, fmt.Errorf("keyring %q: %w", file, err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

func readKeys(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxKeys {
		return nil, errors.New("it is no file of keys")
	}
	return os.ReadFile(file)
}

// place copies the keys to the scratch directory and has the server find them. It returns arguments for the server, and what
// was made and has to belong to it.
func (k *Keyring) place(product, dir string) (args, made []string, err error) {
	data, into := filepath.Join(dir, "data"), filepath.Join(dir, "keyring")
	texts, err := k.read(product, data)
	if err != nil {
		return nil, nil, err
	}
	if err := os.Mkdir(into, 0o700); err != nil {
		return nil, nil, err
	}
	made = []string{into}
	if len(texts) == 0 && product != mysql.ProductMariaDB {
		texts = [][]byte{nil}
	}
	for i, text := range texts {
		made = append(made, filepath.Join(into, strconv.Itoa(i)))
		if err := os.WriteFile(made[i+1], text, 0o600); err != nil {
			return nil, nil, err
		}
	}
	if product == mysql.ProductMariaDB {
		return k.maria(made[1:]), made, nil
	}
	more, err := useComponent(data, made[1])
	return nil, append(made, more...), err
}

// maria are the arguments for MariaDB.
func (k *Keyring) maria(files []string) []string {
	if len(files) == 0 {
		return nil
	}
	args := []string{"--plugin-load-add=file_key_management", "--file-key-management-filename=" + files[0]}
	if len(files) > 1 {
		args = append(args, "--file-key-management-filekey=FILE:"+files[1])
	}
	if k.PluginDir != "" {
		args = append(args, "--plugin-dir="+k.PluginDir)
	}
	if k.Cipher != "" {
		args = append(args, "--file-key-management-encryption-algorithm="+k.Cipher)
	}
	return args
}

// useComponent has MySQL keep its keys in a file. What the data directory says about that is replaced: it names the original.
func useComponent(data, keys string) (made []string, err error) {
	where, err := json.Marshal(map[string]any{"path": keys, "read_only": false})
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{KeyringManifest: `{"components": "file://` + component + `"}`, component + ".cnf": string(where)} {
		name = filepath.Join(data, name)
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err // it may be read-only, so it is not written to
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return nil, err
		}
		made = append(made, name)
	}
	return made, nil
}
