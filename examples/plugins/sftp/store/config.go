package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Config is what a job file can say.
type Config struct {
	Host       string        `hcl:"host" example:"nas.example.com" doc:"Name or address of the server."`
	Port       int           `hcl:"port,optional" default:"22" doc:"Port of the server."`
	User       string        `hcl:"user" example:"drydock" doc:"User to log in as."`
	Path       string        `hcl:"path" example:"/srv/backups" doc:"Directory on the server that holds the backups. It must exist. A relative path starts where the user lands after the login."`
	KeyFile    string        `hcl:"key_file" example:"/etc/drydock/sftp_ed25519" doc:"File of the private key, readable by nobody else."`
	Passphrase schema.Secret `hcl:"passphrase,optional" doc:"Passphrase of the private key."`
	KnownHosts string        `hcl:"known_hosts" example:"/etc/drydock/known_hosts" doc:"File in the format of OpenSSH's known_hosts that holds the server's key. A server whose key is not in it is refused."`
	Mode       string        `hcl:"mode,optional" default:"0600" doc:"Permissions of stored files, in octal digits."`
	Timeout    time.Duration `hcl:"timeout,optional" default:"30s" doc:"How long the server may take to answer one request, or to take 1 MiB."`
}

// Provider returns the storage "sftp".
func Provider() storage.Provider {
	return storage.NewProvider("sftp", "1.0.0", "Keeps backups as files on a server that speaks SFTP.",
		func(_ context.Context, cfg *Config) (storage.Storage, error) { return New(*cfg) })
}

// New checks a configuration and returns its storage, without connecting to the server yet. All mistakes are reported at
// once, each at its attribute.
func New(c Config) (*Store, error) {
	mode, errMode := parseMode(c.Mode)
	key, errKey := readKey(c.KeyFile, c.Passphrase)
	errs := []error{errMode, errKey}
	if c.Host == "" {
		errs = append(errs, schema.Invalid("host", "host is empty", ""))
	}
	if c.Port < 1 || c.Port > 65535 {
		errs = append(errs, schema.Invalid("port", fmt.Sprintf("%d is not a port", c.Port), "Ports are 1 to 65535."))
	}
	if c.User == "" {
		errs = append(errs, schema.Invalid("user", "user is empty", ""))
	}
	if c.Path == "" {
		errs = append(errs, schema.Invalid("path", "path is empty", `"." is where the user lands after the login.`))
	}
	if c.Timeout <= 0 {
		errs = append(errs, schema.Invalid("timeout", "timeout is not positive", `Write for example "30s".`))
	}
	verify, algorithms, err := hostKeys(c.KnownHosts, c.Host, c.Port)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return &Store{
		dialer: dialer{address: address(c.Host, c.Port), timeout: c.Timeout, config: ssh.ClientConfig{
			User: c.User, Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
			HostKeyCallback: verify, HostKeyAlgorithms: algorithms,
		}},
		base: path.Clean(c.Path), mode: mode, uploads: map[string]*upload{}, dialing: make(chan struct{}, 1),
	}, nil
}

func parseMode(text string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return 0, schema.Invalid("mode", fmt.Sprintf("%q is not a mode with which the owner can read and write", text),
			`Three octal digits, for example "0640".`)
	}
	return fs.FileMode(n), nil
}

// readKey reads the private key, which nobody but its owner may be able to read.
func readKey(file string, passphrase schema.Secret) (ssh.Signer, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, schema.Invalid("key_file", "cannot be read", err.Error())
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, schema.Invalid("key_file", fmt.Sprintf("others can read the private key (mode %04o)", info.Mode().Perm()),
			"Type: chmod 600 "+file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, schema.Invalid("key_file", "cannot be read", err.Error())
	}
	if passphrase != "" {
		key, err := ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase.Reveal()))
		if err != nil {
			return nil, schema.Invalid("passphrase", "the key cannot be decrypted with it", "")
		}
		return key, nil
	}
	key, err := ssh.ParsePrivateKey(text)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, schema.Invalid("passphrase", "the key in key_file is encrypted, so its passphrase is needed", "")
	}
	if err != nil {
		return nil, schema.Invalid("key_file", "not a private key", "PEM as ssh-keygen writes it is right.")
	}
	return key, nil
}
