package s3

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Begin opens a multipart upload.
func (s *Storage) Begin(ctx context.Context, up storage.Upload) (string, error) {
	text, err := s.begin(ctx, up)
	return text, s.fail(ctx, err, "begin %q", up.Key)
}

func (s *Storage) begin(ctx context.Context, up storage.Upload) (string, error) {
	full, err := s.checkKey(up.Key)
	if err != nil {
		return "", err
	}
	if up.ChunkSize < 1 || up.ChunkSize > maxPart {
		return "", errs.New(errs.Invalid, "chunk size %d: not 1 to %d", up.ChunkSize, int64(maxPart))
	}
	switch _, err := s.head(ctx, full); {
	case err == nil:
		return "", errs.New(errs.Exists, "the name is taken")
	case !errs.Is(err, errs.NotFound):
		return "", err
	}
	s.sweep.Do(func() { s.abortAbandoned(ctx, time.Now()) })
	t := token{Key: up.Key, ChunkSize: up.ChunkSize, ID: newID()}
	if t.Upload, err = s.create(ctx, full, t.ID); err != nil {
		return "", err
	}
	return t.encode()
}

// create opens a multipart upload with everything that the object is to have.
func (s *Storage) create(ctx context.Context, full, id string) (string, error) {
	metadata := map[string]string{reserved: id}
	maps.Copy(metadata, s.cfg.Metadata)
	in := &s3.CreateMultipartUploadInput{
		Bucket: &s.cfg.Bucket, Key: &full, Metadata: metadata, ContentType: aws.String("application/octet-stream"),
		ChecksumAlgorithm: types.ChecksumAlgorithmSha256,
		StorageClass:      types.StorageClass(s.cfg.StorageClass), ServerSideEncryption: types.ServerSideEncryption(s.cfg.Encryption),
	}
	if s.cfg.KMSKey != "" {
		in.SSEKMSKeyId = &s.cfg.KMSKey
	}
	if len(s.cfg.Tags) > 0 {
		tags := url.Values{}
		for name, value := range s.cfg.Tags {
			tags.Set(name, value)
		}
		in.Tagging = aws.String(tags.Encode())
	}
	if s.cfg.LockFor > 0 {
		in.ObjectLockMode = types.ObjectLockMode(strings.ToUpper(s.cfg.LockMode))
		in.ObjectLockRetainUntilDate = aws.Time(time.Now().Add(s.cfg.LockFor))
	}
	if s.cfg.LegalHold {
		in.ObjectLockLegalHoldStatus = types.ObjectLockLegalHoldStatusOn
	}
	out, err := s.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return "", s.classify(ctx, err)
	}
	return aws.ToString(out.UploadId), nil
}

// PutChunk sends one part.
func (s *Storage) PutChunk(ctx context.Context, text string, c storage.Chunk) error {
	return s.fail(ctx, s.putChunk(ctx, text, c), "put chunk %d", c.Index)
}

func (s *Storage) putChunk(ctx context.Context, text string, c storage.Chunk) error {
	t, err := parseToken(text)
	if err != nil {
		return err
	}
	if err := checkChunk(t, c); err != nil {
		return err
	}
	f, err := source(c)
	if err != nil {
		return err
	}
	defer f.Close()
	err = s.putPart(ctx, t, c.Index, io.NewSectionReader(f, c.FileOffset, c.Length), c.SHA256)
	if errs.Is(err, errs.Transient) && errs.Is(s.known(ctx, t), errs.NotFound) {
		// A service that refuses a part may close the connection before its answer can be read.
		return errs.New(errs.NotFound, "no such upload")
	}
	return err
}

// known asks whether the service has an upload.
func (s *Storage) known(ctx context.Context, t token) error {
	_, err := s.client.ListParts(ctx, &s3.ListPartsInput{
		Bucket: &s.cfg.Bucket, Key: aws.String(s.cfg.Prefix + t.Key), UploadId: &t.Upload, MaxParts: aws.Int32(1),
	})
	return s.classify(ctx, err)
}

func checkChunk(t token, c storage.Chunk) error {
	switch {
	case c.Index < 0 || c.Length < 0 || c.FileOffset < 0:
		return errs.New(errs.Invalid, "index %d, length %d or offset %d is negative", c.Index, c.Length, c.FileOffset)
	case c.Length > t.ChunkSize:
		return errs.New(errs.Invalid, "%d bytes in chunks of %d", c.Length, t.ChunkSize)
	case c.Index >= maxParts:
		return errs.New(errs.Invalid, "an object in S3 has at most %d chunks: set a larger chunk_size", maxParts)
	case c.Index > 0 && t.ChunkSize < minPart:
		return errs.New(errs.Invalid, "chunks of %d bytes: S3 wants at least %d of all but the last: set a larger chunk_size",
			t.ChunkSize, minPart)
	}
	return nil
}

// source opens the file of a chunk that has all its bytes.
func source(c storage.Chunk) (*os.File, error) {
	f, err := os.Open(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.Wrap(errs.Invalid, err, "open the source")
	}
	if err != nil {
		return nil, errs.Wrap(errs.Permanent, err, "open the source")
	}
	info, err := f.Stat()
	if err == nil && info.Size()-c.Length < c.FileOffset {
		err = errs.New(errs.Corrupt, "the source %s has %d bytes: too few", c.File, info.Size())
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// putPart sends bytes with their digest. The service compares.
func (s *Storage) putPart(ctx context.Context, t token, index int, body io.ReadSeeker, sum [32]byte) error {
	out, err := s.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &s.cfg.Bucket, Key: aws.String(s.cfg.Prefix + t.Key), UploadId: &t.Upload, PartNumber: aws.Int32(int32(index + 1)),
		Body: body, ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	}, s3.WithAPIOptions(payloadHash(sum)))
	if err != nil {
		return s.classify(ctx, err)
	}
	if out.ChecksumSHA256 == nil {
		return errs.New(errs.Unsupported, "the service does not keep the SHA-256 of parts (additional checksums), which drydock relies on")
	}
	return nil
}

// payloadHash signs a request with a digest of its body that is known already, which spares the SDK a pass over it.
func payloadHash(sum [32]byte) func(*middleware.Stack) error {
	m := middleware.InitializeMiddlewareFunc("DrydockPayloadHash", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(v4.SetPayloadHash(ctx, hex.EncodeToString(sum[:])), in)
	})
	return func(stack *middleware.Stack) error { return stack.Initialize.Add(m, middleware.After) }
}

// Abort drops a multipart upload.
func (s *Storage) Abort(ctx context.Context, text string) error {
	t, err := parseToken(text)
	if err != nil {
		return nil // it cannot exist
	}
	return s.fail(ctx, s.abort(ctx, s.cfg.Prefix+t.Key, t.Upload), "abort the upload of %q", t.Key)
}

func (s *Storage) abort(ctx context.Context, full, upload string) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.cfg.Bucket, Key: &full, UploadId: &upload})
	if err = s.classify(ctx, err); errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}
