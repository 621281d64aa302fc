package main

import (
	"os"

	"github.com/drydock-backup/drydock/plugins/storage/file"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// thirdParty is the name under which this test binary is somebody else's storage provider. The scripts of
// testdata/script install it as one.
const thirdParty = "third-party"

func serveThirdParty(name, version string) {
	p := file.Provider()
	p.Name, p.Version, p.Doc = name, version, "A provider of somebody else."
	storage.Serve(p)
	os.Exit(0)
}
