// Command drydock-storage-sftp is a storage provider for drydock: it keeps backups on a server that speaks SFTP.
//
// The agent starts it. All that it does is in package store.
package main

import (
	"github.com/drydock-backup/drydock/sdk/storage"

	"example.com/drydock-storage-sftp/store"
)

func main() { storage.Serve(store.Provider()) }
