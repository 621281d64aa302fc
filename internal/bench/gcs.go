package main

import (
	"io"
	"os"

	"cloud.google.com/go/storage"
	"cloud.google.com/go/storage/transfermanager"
	"google.golang.org/api/option"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// gcs compares the target gcs with Google's own client: its Writer, and its transfer manager for downloads.
func (b *bench) gcs() {
	if err := install.Install(b.ctx(), install.FakeGCS, os.Stdout); err != nil {
		b.t.Fatal(err)
	}
	server, account := testenv.StartGCS(b.t), testenv.NewGoogleAccount(b.t)
	bucket := server.Bucket(b.t)
	store, err := b.provider("storage", "gcs", map[string]any{
		"bucket": bucket, "endpoint": server.Endpoint, "credentials": account.File,
	}).Storage()
	if err != nil {
		b.t.Fatal(err)
	}
	client, err := storage.NewClient(b.ctx(), option.WithEndpoint(server.Endpoint+"/storage/v1/"), option.WithoutAuthentication())
	if err != nil {
		b.t.Fatal(err)
	}
	defer client.Close()
	b.transfer("fake-gcs-server", store, b.googleClient(client, bucket))
}

func (b *bench) googleClient(client *storage.Client, bucket string) peer {
	return peer{
		name: "Google's client",
		up: func(from *os.File, key string) error {
			w := client.Bucket(bucket).Object(key).NewWriter(b.ctx())
			w.ChunkSize = transferPart
			if _, err := io.Copy(w, io.NewSectionReader(from, 0, transferSize)); err != nil {
				return err
			}
			return w.Close()
		},
		down: func(key string, into *os.File) error {
			manager, err := transfermanager.NewDownloader(client, transfermanager.WithWorkers(transfers),
				transfermanager.WithPartSize(transferPart))
			if err != nil {
				return err
			}
			err = manager.DownloadObject(b.ctx(), &transfermanager.DownloadObjectInput{Bucket: bucket, Object: key, Destination: into})
			if err != nil {
				return err
			}
			results, err := manager.WaitAndClose()
			for _, r := range results {
				if r.Err != nil {
					return r.Err
				}
			}
			return err
		},
	}
}
