package agent

import (
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/seal"
	"github.com/drydock-backup/drydock/agent/step"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// envelope makes the key of an artifact for those whom the job names. It is made before the server is stopped: a
// passphrase takes a moment. nil for a job that does not encrypt.
func envelope(e *job.Encrypt) (*seal.Envelope, error) {
	if e == nil {
		return nil, nil
	}
	h := seal.Holders{Passphrase: e.Passphrase.Reveal()}
	for _, text := range e.Recipients {
		r, err := seal.ParseRecipient(text)
		if err != nil {
			return nil, fmt.Errorf("encrypt: recipient %.20q: %w", text, err)
		}
		h.Recipients = append(h.Recipients, r)
	}
	env, err := seal.NewEnvelope(h)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return env, nil
}

// sealedFor lists who can open the artifacts of a job.
func sealedFor(e *job.Encrypt) []string {
	holders := []string{}
	if e == nil {
		return holders
	}
	if e.Passphrase != "" {
		holders = append(holders, "passphrase")
	}
	return append(holders, e.Recipients...)
}

// sealedChunk is the size of what is sealed as one: the transfer's chunk, so that the two have the same bounds, in whole
// segments and with room for the header.
func sealedChunk(chunkSize int64) int64 {
	const least = 2 * seal.SegmentSize
	return max(least, (chunkSize+seal.SegmentSize-1)/seal.SegmentSize*seal.SegmentSize)
}

// write writes Data.zip, through the seal where the job wants one.
func (r *running) write(ctx context.Context, w io.Writer, o archive.Options) (archive.Summary, error) {
	if r.sealed == nil {
		return archive.Write(ctx, w, frames{r.frames}, o)
	}
	sealed, err := seal.NewWriter(w, sealedChunk(r.b.Artifact.ChunkSize), r.sealed)
	if err != nil {
		return archive.Summary{}, fmt.Errorf("seal: %w", err)
	}
	sum, err := archive.Write(ctx, sealed, frames{r.frames}, o)
	if err != nil {
		return sum, err
	}
	if err := sealed.Close(); err != nil {
		return sum, fmt.Errorf("seal: %w", err)
	}
	return sum, nil
}

// authenticate returns what makes the MAC of a sealed artifact's claims, nil when the job does not encrypt. The key is
// not needed afterwards and is forgotten.
func (r *running) authenticate() func(step.Artifact) ([]byte, error) {
	if r.sealed == nil {
		return nil
	}
	return func(a step.Artifact) ([]byte, error) {
		m, err := r.claimed(a)
		if err != nil {
			return nil, err
		}
		claims, err := m.Claims()
		if err != nil {
			return nil, err
		}
		defer r.sealed.Forget()
		return r.sealed.MAC(claims), nil
	}
}

// Keys gives the keys that open a sealed backup. It is asked only when there is one to open, so it may ask a person.
type Keys func(ctx context.Context) ([]age.Identity, error)

// unsealed reads a sealed artifact as the Data.zip that is in it.
type unsealed struct{ *seal.Artifact }

// ReadAt implements io.ReaderAt. What is altered is errs.Corrupt, as in a plain artifact.
func (u unsealed) ReadAt(p []byte, off int64) (int, error) {
	n, err := u.Artifact.ReadAt(p, off)
	return n, SealError(err)
}

// unseal finds the key of a backup and makes sure that its manifest is the one that was made with it. damage tells what
// is wrong with the header although the backup can be read.
func unseal(ctx context.Context, b Backup, src archive.Source, keys Keys, j job.Job) (opened unsealed, damage, err error) {
	ids, err := identities(ctx, keys, j)
	if err != nil {
		return opened, nil, err
	}
	artifact, err := seal.Open(src, src.Size(), ids...)
	if err != nil {
		return opened, nil, fmt.Errorf("open %s at target %q: %w", b.Key, b.Target, SealError(err))
	}
	claims, err := b.manifest.Claims()
	if err != nil {
		return opened, nil, err
	}
	if !artifact.CheckMAC(claims, b.manifest.MAC[:]) {
		return opened, nil, errs.New(errs.Corrupt, "the manifest of %s at target %q is not the one that was made with it", b.Key, b.Target)
	}
	return unsealed{artifact}, artifact.HeaderDamage, nil
}

// identities are the keys that the job itself knows and those that were given.
func identities(ctx context.Context, keys Keys, j job.Job) ([]age.Identity, error) {
	var ids []age.Identity
	if j.Encrypt != nil && j.Encrypt.Passphrase != "" {
		id, err := seal.PassphraseIdentity(j.Encrypt.Passphrase.Reveal())
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if keys == nil {
		return ids, nil
	}
	more, err := keys(ctx)
	return append(ids, more...), err
}

// SealError gives an error of package seal its kind, and says what to do when a key is missing.
func SealError(err error) error {
	switch {
	case errors.Is(err, seal.ErrNoKey):
		return &hinted{err, "give the secret key with --identity, or the passphrase with --passphrase-file"}
	case errors.Is(err, seal.ErrNewer):
		return &hinted{err, "use a later version of drydock"}
	case errors.Is(err, seal.ErrDamaged), errors.Is(err, seal.ErrNotSealed):
		return &errs.Error{Kind: errs.Corrupt, Err: err}
	}
	return err
}
