package azure

import (
	"bytes"
	"context"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Begin opens an upload: it stages the block that says so.
func (s *Storage) Begin(ctx context.Context, up storage.Upload) (string, error) {
	token, err := s.begin(ctx, up)
	return token, s.fail(ctx, err, "begin %q", up.Key)
}

func (s *Storage) begin(ctx context.Context, up storage.Upload) (string, error) {
	if err := s.checkKey(up.Key); err != nil {
		return "", err
	}
	if up.ChunkSize < 1 || up.ChunkSize > maxChunk {
		return "", errs.New(errs.Invalid, "chunk size %d: not 1 to %d, which is what a block can have", up.ChunkSize, int64(maxChunk))
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	switch _, err := s.properties(ctx, up.Key); {
	case err == nil:
		return "", errs.New(errs.Exists, "the name is taken")
	case !errs.Is(err, errs.NotFound):
		return "", err
	}
	s.sweep.Do(func() { s.dropAbandoned(ctx) })
	token := cloud.NewToken(up.Key)
	if err := s.mark(ctx, token, begunBlock, up.ChunkSize); err != nil {
		return "", err
	}
	return token.String(), nil
}

// mark stages a block whose id says something of an upload. The service takes no empty block, so it holds a byte.
func (s *Storage) mark(ctx context.Context, t cloud.Token, kind byte, chunkSize int64) error {
	b := block{kind: kind, upload: t.ID, sent: s.now(), size: chunkSize}
	body := streaming.NopCloser(bytes.NewReader([]byte{kind}))
	_, err := s.blob(t.Key).StageBlock(ctx, b.encode(), body, &blockblob.StageBlockOptions{CPKScopeInfo: s.scope()})
	return err
}

// stagedAt returns the uploads that have blocks under a key, by name.
func (s *Storage) stagedAt(ctx context.Context, key string) (map[string]staged, error) {
	answer, err := s.blob(key).GetBlockList(ctx, blockblob.BlockListTypeUncommitted, nil)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var blocks []block
	for _, raw := range answer.UncommittedBlocks {
		if raw != nil && raw.Name != nil && raw.Size != nil {
			b, _ := decodeBlock(*raw.Name, *raw.Size) // somebody else's is one without a kind
			blocks = append(blocks, b)
		}
	}
	return uploadsOf(blocks), nil
}

// find returns an upload that is open, and its token taken apart. Any other is errs.NotFound.
func (s *Storage) find(ctx context.Context, text string) (cloud.Token, staged, error) {
	t, err := cloud.ParseToken(text)
	if err != nil {
		return t, staged{}, err
	}
	if err := s.checkKey(t.Key); err != nil {
		return t, staged{}, err
	}
	all, err := s.stagedAt(ctx, t.Key)
	if err != nil {
		return t, staged{}, err
	}
	up := all[t.Name()]
	if !up.open() {
		return t, up, errs.New(errs.NotFound, "no such upload")
	}
	return t, up, nil
}

// Abort drops an upload. Of an upload that was committed nothing is left to drop.
func (s *Storage) Abort(ctx context.Context, token string) error {
	t, err := cloud.ParseToken(token)
	if err != nil || s.checkKey(t.Key) != nil {
		return nil
	}
	err = s.uploads.End(t, func() error { return s.drop(ctx, t) })
	return s.fail(ctx, err, "abort the upload of %q", t.Key)
}

// drop drops the blocks of an upload, or has them count for nothing until the service drops them.
func (s *Storage) drop(ctx context.Context, t cloud.Token) error {
	all, err := s.stagedAt(ctx, t.Key)
	if err != nil {
		return err
	}
	up := all[t.Name()]
	if !up.open() {
		return nil
	}
	if len(all) == 1 && s.canDelete(ctx, t.Key) {
		return s.replaceByNothing(ctx, t)
	}
	return s.mark(ctx, t, abortedBlock, 0)
}

// canDelete reports whether a blob that is made now can be deleted at once: nothing in the container keeps blobs, and we may
// delete. When that cannot be known the answer is no.
func (s *Storage) canDelete(ctx context.Context, key string) bool {
	p, err := s.container.GetProperties(ctx, nil)
	if err != nil || isTrue(p.HasImmutabilityPolicy) || isTrue(p.HasLegalHold) {
		return false
	}
	_, err = s.blob(key).Delete(ctx, nil) // there is none yet: all that is asked is the permission
	return missing(err)
}

func isTrue(b *bool) bool { return b != nil && *b }

// replaceByNothing makes an empty blob, which drops the blocks that were staged, and deletes it.
func (s *Storage) replaceByNothing(ctx context.Context, t cloud.Token) error {
	name := t.Name()
	made, err := s.blob(t.Key).CommitBlockList(ctx, nil, &blockblob.CommitBlockListOptions{
		Metadata: map[string]*string{droppedKey: &name}, AccessConditions: noBlob(), CPKScopeInfo: s.scope(),
	})
	if is(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet) {
		return nil // another upload was committed meanwhile, which has dropped the blocks
	}
	if err != nil {
		return err
	}
	return s.deleteDropped(ctx, t.Key, made.ETag)
}
