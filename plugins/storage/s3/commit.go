package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// ListChunks asks the service which parts it holds, and with which digests it took them.
func (s *Storage) ListChunks(ctx context.Context, text string) ([]storage.ChunkInfo, error) {
	t, err := parseToken(text)
	if err != nil {
		return nil, s.fail(ctx, err, "list chunks")
	}
	parts, err := s.parts(ctx, t)
	if err != nil {
		return nil, s.fail(ctx, err, "list chunks of %q", t.Key)
	}
	return infos(parts), nil
}

// infos describes the parts of which the service can tell what they hold. Any other has to be sent again.
func infos(parts []types.Part) []storage.ChunkInfo {
	chunks := make([]storage.ChunkInfo, 0, len(parts))
	for _, p := range parts {
		sum, err := base64.StdEncoding.DecodeString(aws.ToString(p.ChecksumSHA256))
		if err != nil || len(sum) != 32 {
			continue
		}
		chunks = append(chunks, storage.ChunkInfo{
			Index: int(aws.ToInt32(p.PartNumber)) - 1, Length: aws.ToInt64(p.Size), SHA256: [32]byte(sum),
		})
	}
	return chunks
}

// parts lists all parts of an upload, by number.
func (s *Storage) parts(ctx context.Context, t token) ([]types.Part, error) {
	pages := s3.NewListPartsPaginator(s.client, &s3.ListPartsInput{
		Bucket: &s.cfg.Bucket, Key: aws.String(s.cfg.Prefix + t.Key), UploadId: &t.Upload,
	}, func(o *s3.ListPartsPaginatorOptions) { o.StopOnDuplicateToken = true })
	var all []types.Part
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, s.classify(ctx, err)
		}
		all = append(all, page.Parts...)
	}
	return all, nil
}

// Commit completes a multipart upload, unless the key is taken.
func (s *Storage) Commit(ctx context.Context, text string, size int64) error {
	t, err := parseToken(text)
	if err != nil {
		return s.fail(ctx, err, "commit")
	}
	return s.fail(ctx, s.commit(ctx, t, size), "commit %q", t.Key)
}

func (s *Storage) commit(ctx context.Context, t token, size int64) error {
	parts, err := s.parts(ctx, t)
	if errs.Is(err, errs.NotFound) {
		return s.committed(ctx, t, size, err)
	}
	if err == nil {
		err = cloud.Complete(infos(parts), t.ChunkSize, size)
	}
	if err == nil && size == 0 && len(parts) == 0 {
		parts, err = s.emptyPart(ctx, t)
	}
	if err != nil {
		return err
	}
	if err := s.free(ctx, t); err != nil {
		return err
	}
	in := &s3.CompleteMultipartUploadInput{
		Bucket: &s.cfg.Bucket, Key: aws.String(s.cfg.Prefix + t.Key), UploadId: &t.Upload, IfNoneMatch: aws.String("*"),
		MultipartUpload: &types.CompletedMultipartUpload{},
	}
	for _, p := range parts {
		in.MultipartUpload.Parts = append(in.MultipartUpload.Parts,
			types.CompletedPart{ETag: p.ETag, PartNumber: p.PartNumber, ChecksumSHA256: p.ChecksumSHA256})
	}
	_, err = s.client.CompleteMultipartUpload(ctx, in)
	if err = s.classify(ctx, err); errs.Is(err, errs.Exists) || errs.Is(err, errs.NotFound) {
		return s.committed(ctx, t, size, err) // perhaps by an earlier try whose answer was lost
	}
	return err
}

// free makes sure that nobody has the key, for services that do not know conditional writes.
func (s *Storage) free(ctx context.Context, t token) error {
	switch _, err := s.head(ctx, s.cfg.Prefix+t.Key); {
	case err == nil:
		return errs.New(errs.Exists, "the name is taken")
	case !errs.Is(err, errs.NotFound):
		return err
	}
	return nil
}

// committed decides about an upload that is gone, or whose key is taken: was it this one?
func (s *Storage) committed(ctx context.Context, t token, size int64, otherwise error) error {
	there, err := s.head(ctx, s.cfg.Prefix+t.Key)
	switch {
	case errs.Is(err, errs.NotFound):
		return otherwise
	case err != nil:
		return err
	case there.Metadata[reserved] != t.ID:
		return errs.New(errs.Exists, "the name is taken")
	case aws.ToInt64(there.ContentLength) != size:
		return errs.New(errs.Invalid, "the upload was committed with %d bytes, not %d", aws.ToInt64(there.ContentLength), size)
	}
	return nil
}

// emptyPart is what an object of no bytes is made of: an upload cannot be completed without a part.
func (s *Storage) emptyPart(ctx context.Context, t token) ([]types.Part, error) {
	if err := s.putPart(ctx, t, 0, bytes.NewReader(nil), sha256.Sum256(nil)); err != nil {
		return nil, err
	}
	return s.parts(ctx, t)
}
