package config_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/config"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/server"
)

const tlsBlock = "tls {\n  ca_file   = \"/p/ca.pem\"\n  cert_file = \"/p/server.pem\"\n  key_file  = \"/p/key.pem\"\n}\n"

// main puts lines into a block "receiver" that would be sound without them; the first of them is line 3.
func main(lines string) string {
	return "receiver {\n  root = \"/srv\"\n" + lines + "\n}\n" + tlsBlock
}

// R4, R5.3, R8.1, R10.4: what a file may say.
func TestParse(t *testing.T) {
	f, err := config.Parse("receiver.hcl", []byte(main(`  listen = ["0.0.0.0:7441", "[::]:7441"]
  layout = "${group}/${client}"
  partial_ttl = "2d"
  max_chunk = "32MiB"`)+`
limits {
  quota = "2TiB"
  retention_floor = "30d"
}
client "orders-db" {
  quota       = "500GiB"
  append_only = true
  group       = "shops"
}
metrics {
  listen = "127.0.0.1:7442"
}
`))
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff([]string{"0.0.0.0:7441", "[::]:7441"}, f.Listen)
	if diff != "" || f.Metrics != "127.0.0.1:7442" || f.Root != "/srv" ||
		f.Server.PartialTTL != 48*time.Hour || f.Server.MaxChunk != 32<<20 || f.Server.MaxTransfers != 32 {
		t.Errorf("%s%+v", diff, f)
	}
	want := map[string]server.Policy{
		"orders-db": {
			Dir: "shops/orders-db", Quota: 500 << 30, Retain: 30 * 24 * time.Hour, AppendOnly: true, Transfers: 8, Connections: 64,
		},
		"other": {Dir: "default/other", Quota: 2 << 40, Retain: 30 * 24 * time.Hour, Transfers: 8, Connections: 64},
	}
	for name, w := range want {
		got, err := f.Server.Policy(name)
		if diff := cmp.Diff(w, got); err != nil || diff != "" {
			t.Errorf("%s: error %v, policy (-want +got):\n%s", name, err, diff)
		}
	}
}

// R2.4: whatever is wrong is said with its line, and nothing of the file is taken over.
func TestDiagnostics(t *testing.T) {
	tests := []struct {
		name, text, summary string
		line                int
	}{
		{"no block", "", "Missing block", 1},
		{"no root", "receiver {\n}\n" + tlsBlock, "Missing required argument", 1},
		{"no tls", "receiver {\n  root = \"/srv\"\n}\n", "Missing block", 1},
		{"not HCL", "receiver {", "Unclosed configuration block", 1},
		{"unknown attribute", main(`  color = "red"`), "Unsupported argument", 3},
		{"unknown block", main("") + "clients {\n}\n", "Unsupported block type", 10},
		{"block twice", main("") + tlsBlock, "Block twice", 10},
		{"client without a name", main("") + "client {\n}\n", "Missing name for client", 10},
		{"client name", main("") + "client \"../x\" {\n}\n", "Not a client name", 10},
		{"client twice", main("") + "client \"a\" {\n}\nclient \"a\" {\n}\n", "Client twice", 12},
		{"relative root", "receiver {\n  root = \"srv\"\n}\n" + tlsBlock, "Path is not absolute", 2},
		{"empty root", "receiver {\n  root = \"\"\n}\n" + tlsBlock, "Empty path", 2},
		{"listen as text", main(`  listen = "0.0.0.0:7441"`), "Wrong type", 3},
		{"listen without port", main(`  listen = ["0.0.0.0"]`), "Not an address", 3},
		{"listen with a bad port", main(`  listen = ["0.0.0.0:70000"]`), "Not an address", 3},
		{"listen twice", main(`  listen = ["0.0.0.0:1", "0.0.0.0:1"]`), "Address twice", 3},
		{"listen of numbers", main(`  listen = [7441]`), "Wrong type", 3},
		{"size as number", main(`  max_chunk = 64`), "Wrong type", 3},
		{"size without sense", main(`  max_chunk = "many"`), "Not a size", 3},
		{"size too small", main(`  max_chunk = "1KiB"`), "Size out of range", 3},
		{"duration without sense", main(`  partial_ttl = "soon"`), "Not a duration", 3},
		{"duration too short", main(`  partial_ttl = "1s"`), "Duration out of range", 3},
		{"number as text", main(`  max_transfers = "8"`), "Wrong type", 3},
		{"number out of range", main(`  max_transfers = 0`), "Number out of range", 3},
		{"fraction", main(`  max_transfers = 1.5`), "Number out of range", 3},
		{"flag as text", main("") + "limits {\n  append_only = \"yes\"\n}\n", "Wrong type", 11},
		{"rate too small", main("") + "limits {\n  rate = \"1B\"\n}\n", "Size out of range", 11},
		{"quota below zero", main("") + "limits {\n  quota = \"-1\"\n}\n", "Not a size", 11},
		{"floor below zero", main("") + "limits {\n  retention_floor = \"-1d\"\n}\n", "duration", 11},
		{"level", main("") + "log {\n  level = \"loud\"\n}\n", "Unknown value", 11},
		{"variable", main(`  max_chunk = size`), "Variables not allowed", 3},
		{"layout without the client", main(`  layout = "${group}"`), "Layout cannot be used", 3},
		{"layout with the client in a name", main(`  layout = "x-${client}"`), "Layout cannot be used", 3},
		{"layout that climbs", main(`  layout = "../${client}"`), "Layout cannot be used", 3},
		{"absolute layout", main(`  layout = "/${client}"`), "Layout cannot be used", 3},
		{"hidden layout", main(`  layout = ".x/${client}"`), "Layout cannot be used", 3},
		{"layout with a condition", main(`  layout = "${client == "a" ? "x" : "y"}/${client}"`), "Layout cannot be used", 3},
		{"layout with a function", main(`  layout = "${upper(client)}"`), "Layout cannot be used", 3},
		{"layout with an unknown variable", main(`  layout = "${host}/${client}"`), "Unknown variable", 3},
		{"group that climbs", main(`  layout = "${group}/${client}"`) + "client \"a\" {\n  group = \"..\"\n}\n", "Not a group name", 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := config.Parse("receiver.hcl", []byte(tt.text))
			var refused *config.Error
			if !errors.As(err, &refused) || f != nil {
				t.Fatalf("file %+v, error %v", f, err)
			}
			var all []string
			for _, d := range refused.Diagnostics {
				if d.Subject == nil {
					t.Fatalf("%s has no place", d)
				}
				all = append(all, fmt.Sprintf("%d: %s; %s", d.Subject.Start.Line, d.Summary, d.Detail))
			}
			text := strings.Join(all, "\n")
			if !strings.Contains(text, fmt.Sprintf("%d: ", tt.line)) || !strings.Contains(text, tt.summary) {
				t.Errorf("want %q in line %d, got\n%s", tt.summary, tt.line, text)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large.hcl")
	if err := os.WriteFile(large, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(t.TempDir(), "none.hcl"), t.TempDir(), large} {
		if f, err := config.Load(name); f != nil || err == nil {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(main(`  layout = "${group}/${client}"`)+"limits {\n  group = \"x\"\n}\nclient \"a\" {\n  group = \"y\"\n}\n", "b")
	f.Add(main(`  listen = ["[::]:7441"]`), "..")
	f.Add(main(`  layout = "${client}/${client}"`), "a/b")
	f.Add("receiver {", "")
	f.Fuzz(func(t *testing.T, text, client string) {
		file, err := config.Parse("receiver.hcl", []byte(text))
		if err != nil {
			var refused *config.Error
			if file != nil || !errors.As(err, &refused) {
				t.Errorf("file %v, error %v", file, err)
			}
			return
		}
		s := file.Server
		if !filepath.IsAbs(file.Root) || s.MaxChunk < 1<<20 || s.MaxTransfers < 1 || s.PartialTTL < time.Minute {
			t.Errorf("%q is read as %+v", text, file)
		}
		p, err := s.Policy(client)
		if err == nil && client != "" && strings.Trim(client, "abcdefghijklmnopqrstuvwxyz0123456789") == "" &&
			(!filepath.IsLocal(p.Dir) || !strings.Contains("/"+p.Dir+"/", "/"+client+"/") || p.Transfers < 1 || p.Connections < 1) {
			t.Errorf("%q gives %q %+v", text, client, p)
		}
	})
}
