package hcl_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/hcl"
)

func loadGood(t *testing.T, paths ...string) []job.Job {
	t.Helper()
	environment := map[string]string{"DB_HOST": "db1", "DB_PORT": "3307", "HOOK": "abc"}
	result, diags := testLoader(t, environment).LoadFiles(t.Context(), paths...)
	if len(diags) > 0 {
		t.Fatalf("diagnostics for good files:\n%s", text(t, diags))
	}
	return result.Jobs
}

// R2.1, R2.2: what a job file says arrives in the job, and what it leaves out has its default.
func TestGoodFiles(t *testing.T) {
	tests := map[string][]job.Job{
		"testdata/good/full.hcl": {{
			Name: "orders", File: "testdata/good/full.hcl", Restart: job.RestartAfterCapture,
			MySQL: job.MySQL{
				Host: "db1", Port: 3307, User: "drydock", Password: "pass word", DataDir: "/var/lib/mysql",
				StopTimeout: 90 * time.Minute, StartTimeout: 24 * time.Hour, MaxDowntime: 45 * time.Minute,
				AllowPrimary: true,
				Service: job.Service{Kind: job.ServiceExec, Start: []string{"/usr/local/bin/start-mysql", "--user=mysql"},
					Stop: []string{"/usr/local/bin/stop-mysql"}},
			},
			Artifact: job.Artifact{ChunkSize: 1 << 30, Exclude: []string{"*.pid", "tmp/**", "**/*.sock"}, IncludeKeyring: true},
			Compress: job.Provider{Type: "zstd", Config: job.Config(`{"level":"best"}`)},
			Encrypt: &job.Encrypt{Passphrase: "correct horse battery staple", Recipients: []string{
				"age1vh24rrnp70544t4s6qjep5jsxqdfvvxhq9n7gypw6q938egecfhqjjr94c"}},
			Targets: []job.Provider{
				{Type: "file", Label: "nas", Config: job.Config(`{"mode":"0600","path":"/mnt/nas/orders","sync":"never"}`)},
				{Type: "object", Label: "offsite", Config: job.Config(`{"bucket":"acme-backup-host","part_size":"64MiB",` +
					`"path_style":true,"regions":["eu"],"retries":5,"secret_key":"s3cr3t",` +
					`"tags":{"stage":"PROD","team":"db"},"timeout":"1d12h"}`)},
			},
			Notify: []job.Notify{{On: []string{"failure", "mysql-down"}, Provider: job.Provider{Type: "webhook", Label: "dba",
				Config: job.Config(`{"timeout":"10s","url":"https://hooks.example.com/abc"}`)}}},
			Verify: job.Verify{Drill: 14 * 24 * time.Hour, Server: "/usr/sbin/mysqld", Scratch: "/srv/drills", Timeout: 4 * time.Hour,
				Keyring: []string{"/etc/drydock/orders.keyring"},
				Queries: []job.Query{{Name: "there are orders", SQL: "SELECT COUNT(*) > 1000 FROM shop.orders", Expect: "1"}}},
		}},
		"testdata/good/least.hcl": {
			leastJob("orders", job.MySQL{Host: "127.0.0.1", Port: 3306, User: "drydock", DataDir: "/var/lib/mysql",
				Service: job.Service{Kind: job.ServiceSystemd, Unit: "mysql@orders.service"}},
				job.Provider{Type: "zstd", Config: job.Config(`{"level":"fastest"}`)}),
			leastJob("stock", job.MySQL{Socket: "/run/mysqld/mysqld.sock", User: "root", DataDir: "/srv/stock",
				Service: job.Service{Kind: job.ServiceExec, Start: []string{"mysqld_safe"}}},
				job.Provider{Type: "store", Config: job.Config(`{}`)}),
		},
	}
	for file, want := range tests {
		t.Run(file, func(t *testing.T) {
			got := loadGood(t, file)
			reveal := cmp.Transformer("reveal", func(c job.Config) string { return string(c.Reveal()) })
			if diff := cmp.Diff(want, got, reveal, cmpopts.IgnoreFields(job.Artifact{}, "Name")); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
		})
	}
}

// How often drills are made is a word or a duration. Backups that only others can open may be drilled by nobody here.
func TestDrillWords(t *testing.T) {
	const day = 24 * time.Hour
	recipients := `encrypt { recipients = ["age1vh24rrnp70544t4s6qjep5jsxqdfvvxhq9n7gypw6q938egecfhqjjr94c"] }`
	for text, want := range map[string]time.Duration{
		`verify {}`: 0, `verify { drill = null }`: 0, `verify { drill = "never" }`: 0, recipients + "\n verify { drill = \"never\" }": 0,
		`verify { drill = "always" }`: job.DrillAlways, `verify { drill = "daily" }`: day, `verify { drill = "weekly" }`: 7 * day,
		`verify { drill = "monthly" }`: 30 * day, `verify { drill = "168h" }`: 7 * day, `verify { drill = "1d12h" }`: 36 * time.Hour,
	} {
		source := fmt.Sprintf(`job "orders" {
			mysql {
				user     = "drydock"
				data_dir = "/var/lib/mysql"
				service "systemd" { unit = "mysql.service" }
			}
			target "file" "nas" { path = "/mnt/nas" }
			%s
		}`, text)
		result, diags := testLoader(t, nil).Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(source)})
		if diags.HasErrors() || len(result.Jobs) != 1 || result.Jobs[0].Verify.Drill != want {
			t.Errorf("%s: %+v, %v", text, result.Jobs, diags)
		}
	}
}

func leastJob(name string, m job.MySQL, compress job.Provider) job.Job {
	m.StopTimeout, m.StartTimeout = 10*time.Minute, 10*time.Minute
	return job.Job{
		Name: name, File: "testdata/good/least.hcl", Restart: job.RestartAfterShip, MySQL: m, Compress: compress,
		Artifact: job.Artifact{ChunkSize: 64 << 20},
		Targets:  []job.Provider{{Type: "file", Label: "nas", Config: job.Config(`{"mode":"0600","path":"/mnt/nas","sync":"always"}`)}},
	}
}

func someVars() job.Vars {
	return job.Vars{RunID: "r1", RunStarted: time.Date(2026, 11, 22, 20, 15, 4, 5, time.FixedZone("CET", 3600)), RunType: "full",
		MySQLHostname: "DB1", MySQLVersion: "9.7.0", MySQLServerID: 4294967295}
}

// R10.1, R10.2: names carry time, server, job and kind of backup.
func TestArtifactNames(t *testing.T) {
	tests := map[string]struct {
		file string
		job  int
		want string
	}{
		"null":    {"testdata/good/least.hcl", 1, "DB1/stock/20261122T191504Z/Data.zip"},
		"default": {"testdata/good/least.hcl", 0, "DB1/orders/20261122T191504Z/Data.zip"},
		"given":   {"testdata/good/full.hcl", 0, "db1/orders/full-4294967295/r1/Data.zip"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := loadGood(t, tt.file)[tt.job].Artifact.Name(someVars())
			if err != nil || got != tt.want {
				t.Errorf("Name() = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// R10.3: what the server says about itself cannot lead a name out of the target's directory.
func TestArtifactNameAtRunTime(t *testing.T) {
	name := loadGood(t, "testdata/good/least.hcl")[0].Artifact.Name
	for hostname, want := range map[string]string{
		"..":                      `element ".."`,
		"":                        "absolute path",
		"a//b":                    "empty element",
		`a\b`:                     "backslash",
		"a\nb":                    "control character",
		"/etc":                    "absolute path",
		strings.Repeat("a/", 450): "901",
		strings.Repeat("a", 300):  "230 bytes",
		"./x":                     `element "."`,
	} {
		vars := someVars()
		vars.MySQLHostname = hostname
		got, err := name(vars)
		if want == "901" {
			want = "more than 900"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Name() with host %q = %q, %v, want an error about %q", hostname, got, err, want)
		}
	}
}

// The outside values of a name are read when the file is loaded, and not again when a run starts.
func TestOutsideValuesAreReadOnce(t *testing.T) {
	reads := 0
	loader := testLoader(t, nil)
	loader.ReadFile = func(string) ([]byte, error) { reads++; return []byte("north\r\n"), nil }
	src := strings.Replace(goodJob, "BODY", `artifact { name = "${file("/etc/site")}/${run.id}/Data.zip" }`, 1)
	result, diags := loader.Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(src)})
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	for range 3 {
		if got, err := result.Jobs[0].Artifact.Name(someVars()); err != nil || got != "north/r1/Data.zip" {
			t.Errorf("Name() = %q, %v", got, err)
		}
	}
	if reads != 1 {
		t.Errorf("file was read %d times, want 1", reads)
	}
}

// goodJob is a good job file; BODY stands where a test puts more.
const goodJob = `job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas" }
  BODY
}
`

// What the loader sends is what a provider decodes with the same schema.
func TestConfigIsReadByTheProvider(t *testing.T) {
	var got objectConfig
	config := loadGood(t, "testdata/good/full.hcl")[0].Targets[1].Config
	if diags := testSchemas(t)[hcl.KindStorage]["object"].Decode(config.Reveal(), &got); len(diags) > 0 {
		t.Fatalf("diagnostics: %v", diags)
	}
	want := objectConfig{Bucket: "acme-backup-host", Secret: "s3cr3t", PartSize: 64 << 20, Timeout: 36 * time.Hour, Retries: 5,
		PathStyle: true, Tags: map[string]string{"stage": "PROD", "team": "db"}, Regions: []string{"eu"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}
