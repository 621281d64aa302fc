package azure

import (
	"context"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drydock-backup/drydock/sdk/storage"
)

// List goes through the blobs that the service lists, page by page. Blobs whose names cannot be keys were made by others and
// are left out.
func (s *Storage) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	pager := s.container.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{
		Prefix:     to.Ptr(s.cfg.Prefix + prefix),
		MaxResults: &s.page,
		Include:    container.ListBlobsInclude{Metadata: true, LegalHold: s.cfg.Immutable, ImmutabilityPolicy: s.cfg.Immutable},
	})
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return s.fail(ctx, err, "list %q", prefix)
		}
		for _, item := range page.Segment.BlobItems {
			o, ok := s.listed(item)
			if !ok {
				continue
			}
			if err := yield(o); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed describes a blob of a listing. ok is false for one that is no object.
func (s *Storage) listed(item *container.BlobItem) (o storage.Object, ok bool) {
	p := item.Properties
	if item.Name == nil || p == nil || p.ContentLength == nil || p.LastModified == nil || dropped(item.Metadata) {
		return o, false
	}
	o = storage.Object{Key: strings.TrimPrefix(*item.Name, s.cfg.Prefix), Size: *p.ContentLength, Modified: *p.LastModified}
	o.Hold.Legal = isTrue(p.LegalHold)
	if p.ImmutabilityPolicyExpiresOn != nil {
		o.Hold.Until = *p.ImmutabilityPolicyExpiresOn
	}
	return o, s.checkKey(o.Key) == nil
}
