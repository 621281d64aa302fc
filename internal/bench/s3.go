package main

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// s3 compares the target s3 with the AWS SDK's own transfer manager, on two servers.
func (b *bench) s3() {
	for product, start := range map[string]func(testing.TB) *testenv.S3{install.VersityGW: testenv.VersityGW, install.MinIO: testenv.MinIO} {
		if err := install.Install(b.ctx(), product, os.Stdout); err != nil {
			b.t.Fatal(err)
		}
		server := start(b.t)
		bucket := server.Bucket(b.t, false)
		store, err := b.provider("storage", "s3", map[string]any{
			"endpoint": server.Endpoint, "path_style": true, "bucket": bucket,
			"access_key": server.AccessKey, "secret_key": server.SecretKey,
		}).Storage()
		if err != nil {
			b.t.Fatal(err)
		}
		b.transfer(product, store, b.transferManager(server, bucket))
	}
}

func (b *bench) transferManager(server *testenv.S3, bucket string) peer {
	manager := transfermanager.New(server.Client(), func(o *transfermanager.Options) {
		o.PartSizeBytes, o.Concurrency = transferPart, transfers
	})
	return peer{
		name: "the SDK's transfer manager",
		up: func(from *os.File, key string) error {
			if _, err := from.Seek(0, 0); err != nil {
				return err
			}
			_, err := manager.UploadObject(b.ctx(), &transfermanager.UploadObjectInput{Bucket: &bucket, Key: &key, Body: from})
			return err
		},
		down: func(key string, into *os.File) error {
			_, err := manager.DownloadObject(b.ctx(), &transfermanager.DownloadObjectInput{
				Bucket: aws.String(bucket), Key: aws.String(key), WriterAt: into,
			})
			return err
		},
	}
}
