package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/seal"
)

const (
	// passphraseVariable names the environment variable that may hold a passphrase.
	passphraseVariable = "DRYDOCK_PASSPHRASE"
	// maxKeyFile bounds a file of keys, or of a passphrase, in bytes.
	maxKeyFile = 1 << 20
)

// keyFlags say where the keys are that open something sealed. None of them is a key: arguments show in process lists.
type keyFlags struct {
	identities     []string
	passphraseFile string
}

func (k *keyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&k.identities, "identity", "i", nil, "file of secret keys, or an SSH key, that opens it (may be repeated)")
	cmd.Flags().StringVar(&k.passphraseFile, "passphrase-file", "", "file that holds the passphrase that opens it")
	_ = cmd.MarkFlagFilename("identity")
	_ = cmd.MarkFlagFilename("passphrase-file")
}

const keyHelp = `A sealed backup needs a key: files named by --identity, a passphrase in the file that --passphrase-file names or in the
environment variable ` + passphraseVariable + `, or the passphrase in the job file. Without any of them, a terminal is
asked for the passphrase.`

// read collects the keys. It asks at the terminal only when nothing else was given; known says that there are others.
func (k keyFlags) read(a *app, known bool) ([]age.Identity, error) {
	var ids []age.Identity
	for _, file := range k.identities {
		text, err := readSmall(file)
		if err != nil {
			return nil, &usageError{err}
		}
		found, err := seal.ParseIdentities(text)
		clear(text)
		if err != nil {
			return nil, usagef("%s: %w", file, err)
		}
		ids = append(ids, found...)
	}
	passphrase, err := k.passphrase(a, len(ids) > 0 || known)
	if err != nil || passphrase == "" {
		return ids, err
	}
	id, err := seal.PassphraseIdentity(passphrase)
	return append(ids, id), err
}

// passphrase is what opens it; "" when there is none.
func (k keyFlags) passphrase(a *app, known bool) (string, error) {
	if k.passphraseFile != "" {
		return readPassphrase(k.passphraseFile)
	}
	if p := os.Getenv(passphraseVariable); p != "" {
		return p, nil
	}
	if known {
		return "", nil
	}
	return a.askPassphrase("Passphrase: ")
}

// keys are the keys as the agent asks for them.
func (k keyFlags) keys(a *app, known bool) agent.Keys {
	return func(context.Context) ([]age.Identity, error) { return k.read(a, known) }
}

// readPassphrase returns the first line of a file, which must be the only one.
func readPassphrase(file string) (string, error) {
	text, err := readSmall(file)
	if err != nil {
		return "", &usageError{err}
	}
	line := strings.TrimRight(string(text), "\r\n")
	clear(text)
	if line == "" || strings.ContainsAny(line, "\r\n") {
		return "", usagef("%s: a passphrase is one line of text", file)
	}
	return line, nil
}

// readSmall reads a whole file of keys.
func readSmall(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var text bytes.Buffer
	n, err := io.Copy(&text, io.LimitReader(f, maxKeyFile+1))
	if err == nil && n > maxKeyFile {
		err = fmt.Errorf("%s: more than %d bytes; that is no file of keys", file, maxKeyFile)
	}
	return text.Bytes(), err
}

// askPassphrase asks the person at the terminal; "" where there is none.
func (a *app) askPassphrase(prompt string) (string, error) {
	stdin := int(os.Stdin.Fd())
	if !term.IsTerminal(stdin) {
		return "", nil
	}
	fmt.Fprint(a.stderr, prompt)
	text, err := term.ReadPassword(stdin)
	fmt.Fprintln(a.stderr)
	defer clear(text)
	if err != nil {
		return "", fmt.Errorf("read the passphrase: %w", err)
	}
	return string(text), nil
}

// askNewPassphrase asks twice, so that a slip of a finger locks nobody out.
func (a *app) askNewPassphrase() (string, error) {
	first, err := a.askPassphrase("New passphrase: ")
	if err != nil || first == "" {
		return "", err
	}
	second, err := a.askPassphrase("Once more: ")
	if err == nil && first != second {
		err = errors.New("the two passphrases differ")
	}
	return first, err
}

// knowsPassphrase reports whether the job file itself has the passphrase of the job's backups.
func knowsPassphrase(j job.Job) bool { return j.Encrypt != nil && j.Encrypt.Passphrase != "" }
