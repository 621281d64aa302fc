package azure

import (
	"context"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// dropAbandoned drops uploads that got nothing for a long time, and what a crash of replaceByNothing has left. It does its
// best: what it cannot drop stays, and the service drops it.
func (s *Storage) dropAbandoned(ctx context.Context) {
	pager := s.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
		Prefix: &s.cfg.Prefix, MaxResults: &s.page,
		Include: container.ListBlobsInclude{UncommittedBlobs: true, Metadata: true},
	})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return
		}
		for _, item := range page.Segment.BlobItems {
			if item.Name == nil || ctx.Err() != nil {
				continue
			}
			key := strings.TrimPrefix(*item.Name, s.cfg.Prefix)
			switch {
			case s.checkKey(key) != nil:
			case dropped(item.Metadata) && item.Properties != nil && item.Properties.ETag != nil:
				if s.old(item.Properties.LastModified) {
					_ = s.deleteDropped(ctx, key, item.Properties.ETag)
				}
			case item.Properties != nil && item.Properties.ContentLength != nil && *item.Properties.ContentLength == 0:
				s.dropAbandonedAt(ctx, key)
			}
		}
	}
}

// dropAbandonedAt looks at the blocks under one key. The listing does not tell a blob without a commit from an empty one.
func (s *Storage) dropAbandonedAt(ctx context.Context, key string) {
	all, err := s.stagedAt(ctx, key)
	if err != nil {
		return
	}
	for name, up := range all {
		t, err := cloud.TokenOf(name, key)
		if err == nil && up.open() && s.old(&up.last) {
			_ = s.drop(ctx, t)
		}
	}
}

// deleteDropped deletes the empty blob that replaceByNothing has made, unless it is another by now.
func (s *Storage) deleteDropped(ctx context.Context, key string, tag *azcore.ETag) error {
	_, err := s.blob(key).Delete(ctx, &blob.DeleteOptions{
		AccessConditions: &blob.AccessConditions{ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfMatch: tag}},
	})
	if missing(err) || err != nil && errs.Is(s.fail(ctx, err, ""), errs.Exists) {
		return nil
	}
	return err
}

// dropped reports whether a blob is only there to drop blocks.
func dropped(metadata map[string]*string) bool {
	_, ok := valueOf(metadata, droppedKey)
	return ok
}

// valueOf looks for a name, which travels as a header and so may come back in another case.
func valueOf(metadata map[string]*string, name string) (string, bool) {
	for key, value := range metadata {
		if strings.EqualFold(key, name) && value != nil {
			return *value, true
		}
	}
	return "", false
}

// old reports whether something happened so long ago that nobody works on it.
func (s *Storage) old(at *time.Time) bool {
	return at != nil && s.now().Sub(*at) > s.cfg.AbandonedAfter
}
