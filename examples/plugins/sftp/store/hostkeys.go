package store

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/drydock-backup/drydock/sdk/schema"
)

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// hostKeys returns the check of the server's key, and the algorithms of the keys that are known. Without the latter the
// server might show a key of another type than the known one, which looks like an attack.
func hostKeys(file, host string, port int) (ssh.HostKeyCallback, []string, error) {
	verify, err := knownhosts.New(file)
	if err != nil {
		return nil, nil, schema.Invalid("known_hosts", "cannot be read", err.Error())
	}
	known, err := knownKeys(verify, address(host, port))
	if err != nil {
		return nil, nil, err
	}
	if len(known) == 0 {
		return nil, nil, schema.Invalid("known_hosts", fmt.Sprintf("%s holds no key of %s", file, address(host, port)),
			fmt.Sprintf("Type: ssh-keyscan -p %d %s >> %s; then compare the key with the server's own.", port, host, file))
	}
	var algorithms []string
	for _, k := range known {
		if k.Key.Type() == ssh.KeyAlgoRSA { // one type of key, two algorithms to sign with
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		algorithms = append(algorithms, k.Key.Type())
	}
	return verify, algorithms, nil
}

// knownKeys asks about a key that nobody has: the refusal names those that are known.
func knownKeys(verify ssh.HostKeyCallback, address string) ([]knownhosts.KnownKey, error) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	nobodys, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	var refusal *knownhosts.KeyError
	if errors.As(verify(address, &net.TCPAddr{}, nobodys), &refusal) {
		return refusal.Want, nil
	}
	return nil, nil
}
