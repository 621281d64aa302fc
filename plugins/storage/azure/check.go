package azure

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// maxSkew is the difference of clocks from which the service refuses signed requests.
const maxSkew = 15 * time.Minute

// Check asks for every permission that a run needs, in ways that leave nothing behind: it lists, asks for a blob that does
// not exist, deletes one that does not exist, and sends a block whose checksum is wrong, which the service looks at only once
// it knows that we may write.
func (s *Storage) Check(ctx context.Context) (storage.Capacity, error) {
	c := storage.Capacity{Free: -1, Total: -1, Limits: storage.Limits{
		MaxChunk: maxChunk, MaxChunks: maxChunks, MaxObject: maxChunk * maxChunks,
	}}
	if err := ctx.Err(); err != nil {
		return c, s.fail(ctx, err, "check")
	}
	probe := cloud.NewToken("check").Name()
	skew, err := s.mayList(ctx)
	if err != nil {
		return c, s.denied(ctx, err, "list", "blobs/read", "l")
	}
	if abs := max(skew, -skew); abs > maxSkew {
		return c, s.fail(ctx, errs.New(errs.Invalid, "the clock of this host and the service's differ by %s; the service refuses "+
			"more than %s", abs.Round(time.Second), maxSkew), "check")
	} else if abs > time.Minute {
		c.Notes = append(c.Notes, fmt.Sprintf("the clock of this host and the service's differ by %s", abs.Round(time.Second)))
	}
	if _, err := s.blob(probe).GetProperties(ctx, nil); !missing(err) {
		return c, s.denied(ctx, err, "read", "blobs/read", "r")
	}
	if err := s.mayWrite(ctx, probe); err != nil {
		return c, s.denied(ctx, err, "write", "blobs/write", "w")
	}
	_, err = s.blob(probe).Delete(ctx, nil)
	switch {
	case missing(err):
	case errs.Is(s.fail(ctx, err, ""), errs.Permission):
		c.Notes = append(c.Notes, "backups can be added but not deleted: retention has to be the container's business (permission "+
			"Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete, d in a signature)")
	default:
		return c, s.fail(ctx, err, "check whether blobs can be deleted")
	}
	return c, nil
}

// denied names the permission that is missing.
func (s *Storage) denied(ctx context.Context, err error, what, action, letter string) error {
	done := map[string]string{"list": "listed", "read": "read", "write": "written"}[what]
	wrong := unproved(err) || expired(s.cfg.SASToken.Reveal(), s.now())
	err = s.fail(ctx, err, "check whether blobs can be %s", done)
	if !errs.Is(err, errs.Permission) || wrong {
		return err
	}
	return errs.Wrap(errs.Permission, err, "permission to %s is missing "+
		"(Microsoft.Storage/storageAccounts/blobServices/containers/%s, %s in a signature)", what, action, letter)
}

// mayList lists one blob and tells how far the service's clock is ahead of ours.
func (s *Storage) mayList(ctx context.Context) (time.Duration, error) {
	page, err := s.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
		Prefix: &s.cfg.Prefix, MaxResults: to.Ptr(int32(1)),
	}).NextPage(ctx)
	if err != nil || page.Date == nil {
		return 0, err
	}
	return page.Date.Sub(s.now()), nil
}

// mayWrite sends a block whose checksum is wrong on purpose.
func (s *Storage) mayWrite(ctx context.Context, name string) error {
	b := block{kind: begunBlock, sent: s.now()}
	_, err := s.blob(name).StageBlock(ctx, b.encode(), streaming.NopCloser(bytes.NewReader([]byte("check"))),
		&blockblob.StageBlockOptions{TransactionalValidation: blob.TransferValidationTypeCRC64(1), CPKScopeInfo: s.scope()})
	if is(err, bloberror.CRC64Mismatch, bloberror.MD5Mismatch) {
		return nil
	}
	if err == nil {
		return errs.New(errs.Permanent, "the service took a block with a wrong checksum: it does not compare them")
	}
	return err
}
