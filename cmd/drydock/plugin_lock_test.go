package main

import (
	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// thirdParty is the name under which this test binary is somebody else's storage provider. The scripts of
// testdata/script install it as one.
const thirdParty = "third-party"

func serveThirdParty(args []string) (code int) {
	if len(args) != 2 {
		return 2
	}
	p := file.Provider()
	p.Name, p.Version, p.Doc = args[0], args[1], "A provider of somebody else."
	storage.Serve(p)
	return 0
}
