package testenv

import (
	"context"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// The account that every Azurite has.
const (
	AzuriteAccount = "devstoreaccount1"
	AzuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// AzuriteServer is a running Azurite.
type AzuriteServer struct {
	Addr     string // host and port
	Endpoint string // of the account's blob service, with its scheme
	dir      string
}

// StartAzurite starts an Azurite that ends with the test, and waits until it serves. More arguments turn on more of it:
// "--oauth", "basic", "--cert" and "--key" with files make it speak HTTPS and take tokens of identities.
func StartAzurite(t testing.TB, args ...string) *AzuriteServer {
	t.Helper()
	cache, err := install.Cache()
	if err != nil {
		t.Fatal(err)
	}
	main := install.AzuriteMain(cache)
	needs(t, main, install.Azurite)
	dir, port := Dir(t), strconv.Itoa(freePort(t))
	a := &AzuriteServer{Addr: "127.0.0.1:" + port, dir: dir}
	scheme := "http://"
	for _, arg := range args {
		if arg == "--cert" {
			scheme = "https://"
		}
	}
	a.Endpoint = scheme + a.Addr + "/" + AzuriteAccount
	argv := append([]string{main, "--blobHost", "127.0.0.1", "--blobPort", port, "--location", filepath.Join(dir, "data"),
		"--disableTelemetry", "--skipApiVersionCheck", "--silent"}, args...)
	ended := launch(t, filepath.Join(dir, "log"), exec.CommandContext(context.WithoutCancel(t.Context()), "node", argv...))
	awaitHTTP(t, a.Endpoint+"?comp=list", ended, func(status int) bool { return status < http.StatusInternalServerError })
	return a
}

// Container makes a new container, and returns its name and a client of it.
func (a *AzuriteServer) Container(t testing.TB) (string, *container.Client) {
	t.Helper()
	name := "c" + strconv.FormatInt(time.Now().UnixNano(), 36)
	c := a.Client(t, name)
	if _, err := c.Create(context.WithoutCancel(t.Context()), nil); err != nil {
		t.Fatalf("create container %s: %v", name, err)
	}
	return name, c
}

// Client returns a client of a container, with the account's key.
func (a *AzuriteServer) Client(t testing.TB, name string) *container.Client {
	t.Helper()
	key, err := container.NewSharedKeyCredential(AzuriteAccount, AzuriteKey)
	if err != nil {
		t.Fatal(err)
	}
	o := &container.ClientOptions{}
	o.Transport = &http.Client{Transport: loopback()}
	c, err := container.NewClientWithSharedKeyCredential(a.Endpoint+"/"+name, key, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Behind returns the server as clients see it at another address, such as that of a Front or a Proxy before it.
func (a *AzuriteServer) Behind(addr string) *AzuriteServer {
	other := *a
	other.Addr, other.Endpoint = addr, "http://"+addr+"/"+AzuriteAccount
	return &other
}

// Target is a job's block for a container.
func (a *AzuriteServer) Target(label, container string) string {
	return fmt.Sprintf(`target "azure" %q {
    account     = %q
    container   = %q
    endpoint    = %q
    account_key = %q
    prefix      = "mysql/"
  }`, label, AzuriteAccount, container, a.Endpoint, AzuriteKey)
}
