package main

import (
	"fmt"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

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
	b.transfer("Azurite", store, b.uploadFile(client), b.rcloneAzure(client, name))
}

func (b *bench) rcloneAzure(client *container.Client, name string) peer {
	url, err := client.GetSASURL(sas.ContainerPermissions{Read: true, Add: true, Create: true, Write: true, List: true},
		time.Now().Add(time.Hour), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.rclone("azureblob", name, []string{"--azureblob-upload-concurrency", fmt.Sprint(transfers)},
		"RCLONE_AZUREBLOB_SAS_URL="+url)
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
