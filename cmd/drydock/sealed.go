package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/drydock-backup/drydock/agent"
	"github.com/drydock-backup/drydock/agent/seal"
)

const (
	sealedSuffix = ".sealed"
	// fileChunk is the chunk size of what drydock seal makes.
	fileChunk = 64 << 20
)

func (a *app) keygenCommand() *cobra.Command {
	var output string
	var hybrid bool
	cmd := &cobra.Command{
		Use:   "keygen [--output FILE]",
		Short: "make a key pair for encrypted backups",
		Long: `keygen makes a key pair. The secret key goes to FILE, which only you can read, or to standard output; keep it away from
the server that is backed up, and keep a copy. The public key goes into the job file: encrypt { recipients = ["age1..."] }.
A host that knows only the public key can make backups and open none.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error { return a.keygen(output, hybrid) },
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the secret key to this file, which must not exist")
	cmd.Flags().BoolVar(&hybrid, "post-quantum", false, "make a key that also withstands quantum computers; it is much longer")
	return cmd
}

func (a *app) keygen(output string, hybrid bool) error {
	pair, err := seal.GenerateKey(hybrid)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", time.Now().UTC().Format(time.RFC3339), pair.Recipient, pair.Secret)
	if output == "" {
		a.printf("%s", text)
		fmt.Fprintf(a.stderr, "public key: %s\n", pair.Recipient)
		return nil
	}
	err = writeNew(output, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err == nil {
		a.printf("%s\n", pair.Recipient)
	}
	return err
}

func (a *app) openCommand() *cobra.Command {
	var output string
	var keys keyFlags
	cmd := &cobra.Command{
		Use:   "open FILE [--output FILE]",
		Short: "decrypt a sealed file",
		Long: `open decrypts a sealed artifact, such as Data.zip.sealed, and proves every byte of it. The result appears under its name
only when all of it is right; nothing is left otherwise.

` + keyHelp,
		Args: exactArgs(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.openSealed(cmd.Context(), args[0], output, keys)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", `write to this file, which must not exist (default: FILE without ".sealed")`)
	keys.add(cmd)
	return cmd
}

func (a *app) openSealed(ctx context.Context, file, output string, keys keyFlags) error {
	if output == "" {
		output = strings.TrimSuffix(file, sealedSuffix)
	}
	if output == file {
		return usagef("%s does not end in %s: name the file to write with --output", file, sealedSuffix)
	}
	f, artifact, err := a.openArtifact(file, keys)
	if err != nil {
		return err
	}
	defer f.Close()
	defer artifact.Forget()
	if artifact.HeaderDamage != nil {
		fmt.Fprintf(a.stderr, "drydock: warning: %s: %v; its content is whole\n", file, artifact.HeaderDamage)
	}
	return writeNew(output, func(w io.Writer) error {
		_, err := io.CopyBuffer(w, untilDone{ctx, io.NewSectionReader(artifact, 0, artifact.Size())}, make([]byte, seal.SegmentSize))
		return sealedError(file, err)
	})
}

// openArtifact opens a sealed file. The caller closes it.
func (a *app) openArtifact(file string, keys keyFlags) (*os.File, *seal.Artifact, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	artifact, err := a.unlock(f, keys)
	if err != nil {
		return nil, nil, errors.Join(sealedError(file, err), f.Close())
	}
	return f, artifact, nil
}

func (a *app) unlock(f *os.File, keys keyFlags) (*seal.Artifact, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if _, err := seal.Open(f, info.Size()); !errors.Is(err, seal.ErrNoKey) {
		return nil, err // what is no sealed artifact at all is said before a passphrase is asked for
	}
	ids, err := keys.read(a, false)
	if err != nil {
		return nil, err
	}
	return seal.Open(f, info.Size(), ids...)
}

// sealedError names the file, and gives damage its exit code.
func sealedError(file string, err error) error {
	if errors.Is(err, seal.ErrDamaged) {
		return fmt.Errorf("%w: %s: %w", agent.ErrDamaged, file, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, agent.SealError(err))
	}
	return nil
}

// holderFlags say who can open what is sealed.
type holderFlags struct {
	recipients     []string
	passphraseFile string
}

func (h *holderFlags) add(cmd *cobra.Command, prefix string) {
	cmd.Flags().StringArrayVarP(&h.recipients, "recipient", "r", nil, "public key of somebody who can open it: age1... or ssh-... (may be repeated)")
	cmd.Flags().StringVar(&h.passphraseFile, prefix+"passphrase-file", "", "file that holds a passphrase that opens it from now on")
	_ = cmd.MarkFlagFilename(prefix + "passphrase-file")
}

// read makes the holders. Without any, a terminal is asked for a passphrase.
func (h holderFlags) read(a *app) (holders seal.Holders, err error) {
	for _, text := range h.recipients {
		r, err := seal.ParseRecipient(text)
		if err != nil {
			return holders, usagef("recipient: %w", err)
		}
		holders.Recipients = append(holders.Recipients, r)
	}
	switch {
	case h.passphraseFile != "":
		holders.Passphrase, err = readPassphrase(h.passphraseFile)
	case len(h.recipients) == 0:
		holders.Passphrase, err = a.askNewPassphrase()
		if err == nil && holders.Passphrase == "" {
			err = usagef("nobody could open it: give --recipient or a passphrase")
		}
	}
	return holders, err
}

func (a *app) sealCommand() *cobra.Command {
	var output string
	var to holderFlags
	cmd := &cobra.Command{
		Use:   "seal FILE [--output FILE]",
		Short: "encrypt a file, as encrypted backups are",
		Args:  exactArgs(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.sealFile(cmd.Context(), args[0], orElse(output, args[0]+sealedSuffix), to)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to this file, which must not exist (default: FILE.sealed)")
	to.add(cmd, "")
	return cmd
}

func (a *app) sealFile(ctx context.Context, file, output string, to holderFlags) error {
	holders, err := to.read(a)
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	envelope, err := seal.NewEnvelope(holders)
	if err != nil {
		return err
	}
	defer envelope.Forget()
	return writeNew(output, func(out io.Writer) error {
		w, err := seal.NewWriter(out, fileChunk, envelope)
		if err != nil {
			return err
		}
		if _, err := io.CopyBuffer(w, untilDone{ctx, f}, make([]byte, seal.SegmentSize)); err != nil {
			return err
		}
		return w.Close()
	})
}

func (a *app) resealCommand() *cobra.Command {
	var to holderFlags
	var keys keyFlags
	cmd := &cobra.Command{
		Use:   "reseal FILE",
		Short: "change who can open a sealed file",
		Long: `reseal wraps the key of a sealed file anew, for the recipients and the passphrase that are given, and for nobody else.
The data are not rewritten. Somebody who could open the file and has kept a copy of it, or of its beginning, still can.
A file that a target holds as a backup is not to be changed: its manifest has the digests of what it was.

` + keyHelp,
		Args: exactArgs(1, "FILE"),
		RunE: func(_ *cobra.Command, args []string) error { return a.reseal(args[0], to, keys) },
	}
	to.add(cmd, "new-")
	keys.add(cmd)
	return cmd
}

func (a *app) reseal(file string, to holderFlags, keys keyFlags) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := seal.Open(f, info.Size()); !errors.Is(err, seal.ErrNoKey) {
		return sealedError(file, err)
	}
	ids, err := keys.read(a, false)
	if err != nil {
		return err
	}
	holders, err := to.read(a)
	if err != nil {
		return err
	}
	return sealedError(file, rewrap(f, info.Size(), holders, ids))
}

// rewrap proves the artifact's end before it changes the header: what is damaged stays as it is.
func rewrap(f *os.File, size int64, holders seal.Holders, ids []age.Identity) error {
	artifact, err := seal.Open(f, size, ids...)
	if err != nil {
		return err
	}
	artifact.Forget()
	return seal.Rewrap(f, size, holders, ids...)
}

// untilDone reads until its context ends.
type untilDone struct {
	ctx context.Context
	io.Reader
}

// Read implements io.Reader.
func (u untilDone) Read(p []byte) (int, error) {
	if err := context.Cause(u.ctx); err != nil {
		return 0, err
	}
	return u.Reader.Read(p)
}
