//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// R2.2: without a proxy in the job that of the agent's environment counts, also in the provider's process. The service has a
// name that only the proxy knows the way to: nobody goes through a proxy to this host itself.
func TestProxyOfTheEnvironment(t *testing.T) {
	t.Parallel()
	store, proxy := testenv.MinIOWith(t, true), testenv.NewWebProxy(t)
	_, port, _ := strings.Cut(store.Addr, ":")
	there := store.Behind("example.com:" + port) // the certificate has this name as well
	there.Endpoint = "https://" + there.Addr
	job := filepath.Join(t.TempDir(), "shop.hcl")
	text := fmt.Sprintf("job \"shop\" {\n  mysql {\n    user = \"x\"\n    data_dir = \"/nowhere\"\n    service \"exec\" {\n"+
		"      start = [\"/bin/true\"]\n    }\n  }\n  %s\n}\n",
		there.Target("offsite", store.Bucket(t, false), fmt.Sprintf("ca_file = %q", store.CAFile)))
	if err := os.WriteFile(job, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := drydockCommand(t, "backups", "--file", job, "--data-dir", t.TempDir())
	cmd.Env = append(cmd.Env, "HTTPS_PROXY="+proxy.URL)
	finish(t, cmd).want(t, exitDone)
	if asked := proxy.Asked(); len(asked) == 0 || slices.ContainsFunc(asked, func(a string) bool { return a != there.Addr }) {
		t.Errorf("the proxy was asked for %v", asked)
	}
}
