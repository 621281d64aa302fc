package azure

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// Commit makes a blob of the blocks, unless a blob has the name.
func (s *Storage) Commit(ctx context.Context, token string, size int64) error {
	t, err := cloud.ParseToken(token)
	if err != nil {
		return s.fail(ctx, err, "commit")
	}
	err = s.uploads.End(t, func() error { return s.commit(ctx, token, size) })
	return s.fail(ctx, err, "commit %q", t.Key)
}

func (s *Storage) commit(ctx context.Context, token string, size int64) error {
	t, up, err := s.find(ctx, token)
	if errs.Is(err, errs.NotFound) {
		return s.committed(ctx, t, size, err) // made by an earlier call, or by somebody else: both drop the blocks
	}
	if err != nil {
		return err
	}
	chunks, ids := up.list()
	if err := cloud.Complete(chunks, up.chunkSize, size); err != nil {
		return errors.Join(err, s.taken(ctx, t))
	}
	_, err = s.blob(t.Key).CommitBlockList(ctx, ids, s.commitOptions(t))
	if is(err, bloberror.BlobAlreadyExists, bloberror.ConditionNotMet, bloberror.InvalidBlockList, bloberror.InvalidBlobOrBlock) {
		return s.committed(ctx, t, size, err)
	}
	return err
}

// taken says that somebody has made an object under the name; nil when nobody has, or when that cannot be known.
func (s *Storage) taken(ctx context.Context, t cloud.Token) error {
	if _, err := s.properties(ctx, t.Key); err != nil {
		return nil
	}
	return errs.New(errs.Exists, "%q exists", t.Key)
}

func (s *Storage) commitOptions(t cloud.Token) *blockblob.CommitBlockListOptions {
	metadata := map[string]*string{uploadKey: to.Ptr(t.Name())}
	for key, value := range s.cfg.Metadata {
		metadata[key] = to.Ptr(value)
	}
	o := &blockblob.CommitBlockListOptions{
		Metadata: metadata, Tags: s.cfg.Tags, AccessConditions: noBlob(), CPKScopeInfo: s.scope(),
		HTTPHeaders: &blob.HTTPHeaders{BlobContentType: to.Ptr("application/octet-stream")},
	}
	if s.cfg.Tier != "" {
		o.Tier = to.Ptr(blob.AccessTier(tiers()[s.cfg.Tier]))
	}
	if s.cfg.RetainFor > 0 {
		o.ImmutabilityPolicyExpiryTime = to.Ptr(s.now().Add(s.cfg.RetainFor).UTC())
		o.ImmutabilityPolicyMode = to.Ptr(mode(s.cfg.RetainMode))
	}
	return o
}

// tiers are the service's names of the tiers.
func tiers() map[string]string {
	return map[string]string{"hot": "Hot", "cool": "Cool", "cold": "Cold"}
}

// committed answers for an upload whose blocks are gone: is the blob its own? cause is the answer when there is no blob.
func (s *Storage) committed(ctx context.Context, t cloud.Token, size int64, cause error) error {
	p, err := s.properties(ctx, t.Key)
	if errs.Is(err, errs.NotFound) {
		return cause
	}
	if err != nil {
		return err
	}
	if by, _ := valueOf(p.Metadata, uploadKey); by != t.Name() {
		return errs.New(errs.Exists, "%q exists", t.Key)
	}
	if *p.ContentLength != size {
		return errs.New(errs.Invalid, "the upload was committed with another size: %q has %d bytes, not %d",
			t.Key, *p.ContentLength, size)
	}
	return nil
}
