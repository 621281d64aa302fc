package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// s3 compares the target s3 with the AWS SDK's own transfer manager and with rclone, on two servers.
func (b *bench) s3() {
	if err := install.Install(b.ctx(), install.Movers, os.Stdout); err != nil {
		b.t.Fatal(err)
	}
	products := map[string]func(testing.TB) *testenv.S3{install.VersityGW: testenv.VersityGW, install.MinIO: testenv.MinIO}
	for product, start := range products {
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
		b.transfer(product, store, b.transferManager(server, bucket), b.rcloneS3(server, bucket))
	}
}

func (b *bench) rcloneS3(server *testenv.S3, bucket string) peer {
	return b.rclone("s3", bucket, []string{"--s3-upload-concurrency", fmt.Sprint(transfers), "--s3-no-check-bucket"},
		"RCLONE_S3_PROVIDER=Other", "RCLONE_S3_ENDPOINT="+server.Endpoint, "RCLONE_S3_ACCESS_KEY_ID="+server.AccessKey,
		"RCLONE_S3_SECRET_ACCESS_KEY="+server.SecretKey, "RCLONE_S3_REGION="+server.Region)
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
