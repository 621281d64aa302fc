package main

import (
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// azure compares the target azure with the Azure SDK's own transfer of files.
func (b *bench) azure() {
	if err := install.Install(b.ctx(), install.Azurite, os.Stdout); err != nil {
		b.t.Fatal(err)
	}
	server := testenv.StartAzurite(b.t)
	name, client := server.Container(b.t)
	store, err := b.provider("storage", "azure", map[string]any{
		"account": testenv.AzuriteAccount, "container": name, "endpoint": server.Endpoint, "account_key": testenv.AzuriteKey,
	}).Storage()
	if err != nil {
		b.t.Fatal(err)
	}
	b.transfer("Azurite", store, b.uploadFile(client))
}

func (b *bench) uploadFile(client *container.Client) peer {
	return peer{
		name: "UploadFile and DownloadFile of the SDK",
		up: func(from *os.File, key string) error {
			_, err := client.NewBlockBlobClient(key).UploadFile(b.ctx(), from,
				&blockblob.UploadFileOptions{BlockSize: transferPart, Concurrency: transfers})
			return err
		},
		down: func(key string, into *os.File) error {
			_, err := client.NewBlobClient(key).DownloadFile(b.ctx(), into,
				&blob.DownloadFileOptions{BlockSize: transferPart, Concurrency: transfers})
			return err
		},
	}
}
