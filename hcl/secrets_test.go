package hcl_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/hcl"
	"github.com/drydock-backup/drydock/sdk/schema"
)

// canary is a value that must be seen nowhere. It has upper and lower case, so that upper() and lower() show too.
const canary = "CANARY-tweet-0815"

// TestSecretsNeverShow puts a value of file(), env() and credential() into every wrong place of the language. Nothing
// that is made from it may reach a diagnostic, its text or its JSON.
func TestSecretsNeverShow(t *testing.T) {
	places := map[string]string{
		"password":          `mysql { password = [SECRET] }`,
		"password number":   `mysql { password = SECRET + 1 }`,
		"password path":     `mysql { password = file(SECRET) }`,
		"password env":      `mysql { password = env(SECRET) }`,
		"password cred":     `mysql { password = credential(SECRET) }`,
		"host":              `mysql { host = "${SECRET}:1" }`,
		"host path":         `mysql { host = "/${SECRET}" }`,
		"port":              `mysql { port = SECRET }`,
		"socket":            `mysql { socket = SECRET }`,
		"socket and host":   "mysql {\n socket = SECRET\n host = SECRET\n }",
		"user":              `mysql { user = "${SECRET}\n" }`,
		"data_dir":          `mysql { data_dir = SECRET }`,
		"stop_timeout":      `mysql { stop_timeout = SECRET }`,
		"allow_primary":     `mysql { allow_primary = SECRET }`,
		"unknown attribute": `mysql { passwort = SECRET }`,
		"start":             `mysql { service "exec" { start = SECRET } }`,
		"start words":       `mysql { service "exec" { start = ["${SECRET} --x"] } }`,
		"unit":              `mysql { service "systemd" { unit = SECRET } }`,
		"restart":           `restart = SECRET`,
		"name":              `artifact { name = SECRET }`,
		"name absolute":     `artifact { name = "/${SECRET}/${run.id}" }`,
		"name dots":         `artifact { name = "${SECRET}/../${run.id}" }`,
		"name number":       `artifact { name = SECRET * 2 }`,
		"name date":         `artifact { name = formatdate(SECRET, run.started) }`,
		"name time":         `artifact { name = formatdate("YYYY", SECRET) }`,
		"name list":         `artifact { name = [SECRET, run.id] }`,
		"chunk_size":        `artifact { chunk_size = SECRET }`,
		"exclude":           `artifact { exclude = SECRET }`,
		"exclude pattern":   `artifact { exclude = ["[${SECRET}"] }`,
		"exclude absolute":  `artifact { exclude = ["/${SECRET}"] }`,
		"level":             `compress "zstd" { level = SECRET }`,
		"string":            `target "object" "o" { bucket = { x = SECRET } }`,
		"size":              `target "object" "o" { part_size = SECRET }`,
		"duration":          `target "object" "o" { timeout = SECRET }`,
		"int":               `target "object" "o" { retries = SECRET }`,
		"bool":              `target "object" "o" { path_style = SECRET }`,
		"map key":           `target "object" "o" { tags = { (SECRET) = 1 } }`,
		"map value":         `target "object" "o" { tags = { a = [SECRET] } }`,
		"map":               `target "object" "o" { tags = SECRET }`,
		"list":              `target "object" "o" { regions = [SECRET] }`,
		"one of":            `target "file" "o" { sync = SECRET }`,
		"event":             `notify "webhook" "o" { on = [SECRET] }`,
		"events":            `notify "webhook" "o" { on = SECRET }`,
		"upper":             `restart = upper(SECRET)`,
		"lower":             `restart = lower(SECRET)`,
		"replace":           `restart = replace(SECRET, "-", "+")`,
		"join":              `restart = join("", [SECRET, SECRET])`,
		"format":            `restart = format("%s", SECRET)`,
		"format bad":        `restart = format("%d", SECRET)`,
		"format verb":       `restart = format(SECRET, 1, 2)`,
		"index":             `restart = { a = 1 }[SECRET]`,
		"attribute":         `restart = SECRET.foo`,
		"condition":         `restart = SECRET ? "a" : "b"`,
		"for key":           `restart = { for x in ["a", "b"] : SECRET => x }`,
		"for value":         `restart = { for x in SECRET : x => x }`,
		"splat":             `restart = SECRET[*].x`,
		"arithmetic":        `restart = -SECRET`,
		"compare":           `restart = SECRET < 1`,
		"template if":       `restart = "%{if SECRET}x%{endif}"`,
		"template for":      `restart = "%{for x in SECRET}${x}%{endfor}"`,
		"template list":     `restart = "a${[SECRET]}"`,
		"expand":            `restart = upper(SECRET...)`,
		"block label":       `target "file" "${SECRET}" { path = "/x" }`,
		"unknown block":     `encrypt { passphrase = SECRET }`,
		"unknown target":    `target "fle" "nas" { path = SECRET }`,
	}
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	loader := testLoader(t, map[string]string{"SECRET": canary, "CREDENTIALS_DIRECTORY": dir})
	for _, call := range []string{`file("` + secret + `")`, `env("SECRET")`, `credential("secret")`} {
		for name, body := range places {
			t.Run(call[:4]+"/"+name, func(t *testing.T) {
				src := "job \"orders\" {\n  " + strings.ReplaceAll(body, "SECRET", call) + "\n}\n"
				_, diags := loader.Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(src)})
				if !diags.HasErrors() {
					t.Fatal("no errors")
				}
				mustNotShow(t, text(t, diags)+asJSON(t, diags))
			})
		}
	}
}

func mustNotShow(t *testing.T, output string) {
	t.Helper()
	for _, part := range []string{"canary", "tweet", "0815"} {
		if strings.Contains(strings.ToLower(output), part) {
			t.Errorf("the output shows a part of the secret, %q:\n%s", part, output)
		}
	}
}

// A secret that is written into the job file itself is starred out of the quoted source lines, also when the line is broken.
func TestLiteralSecretsAreStarred(t *testing.T) {
	for name, body := range map[string]string{
		"wrong type":         `target "object" "o" { secret_key = ["` + canary + `"] }`,
		"misspelt":           `target "object" "o" { secret_kye = "` + canary + `" }`,
		"unquoted":           `target "object" "o" { secret_key = ` + canary + ` }`,
		"in a function":      `target "object" "o" { secret_key = uper("` + canary + `") }`,
		"concatenated":       `target "object" "o" { secret_key = "${jo.name}` + canary + `" }`,
		"headers":            `notify "webhook" "o" { headers = { a = "` + canary + `", b = 1 } }`,
		"heredoc":            "target \"object\" \"o\" { \n secret_key = [<<EOT\n" + canary + "\nEOT\n]\n}",
		"unfinished":         "mysql {\n password = \"" + canary + "\n}",
		"junk after":         "mysql {\n password = \"" + canary + "\" x\n}",
		"unknown block":      `login { password = "` + canary + `" ` + "}\n x",
		"password of mysql":  "mysql {\n password = [\"" + canary + "\"]\n}",
		"unsupported":        "encrypt {\n passphrase = \"" + canary + "\"\n}",
		"one-line encrypt":   `encrypt { passphrase = "` + canary + `" }`,
		"one-line service":   `mysql { service "windows" { password = "` + canary + `" } }`,
		"unknown provider":   `target "sftp" "o" { password = "` + canary + `" }`,
		"label missing":      `target "object" { secret_key = "` + canary + `" }`,
		"two compress":       "compress \"zstd\" {}\n compress \"zstd\" { token = \"" + canary + "\" }",
		"block as attribute": `mysql = { password = "` + canary + `" }`,
	} {
		t.Run(name, func(t *testing.T) {
			src := "job \"orders\" {\n  " + body + "\n}\n"
			_, diags := testLoader(t, nil).Load(t.Context(), hcl.Source{Name: "a.hcl", Data: []byte(src)})
			if !diags.HasErrors() {
				t.Fatal("no errors")
			}
			mustNotShow(t, text(t, diags)+asJSON(t, diags))
		})
	}
}

// A provider may repeat a value from outside in what it says; that is taken out again.
func TestProviderDiagnosticsRedactMarkedValues(t *testing.T) {
	loader := testLoader(t, map[string]string{"BUCKET": canary})
	body := `target "object" "o" { bucket = env("BUCKET") }`
	result, diags := loader.Load(t.Context(),
		hcl.Source{Name: "a.hcl", Data: []byte(strings.Replace(goodJob, "BODY", body, 1))})
	if diags.HasErrors() {
		t.Fatal(text(t, diags))
	}
	got := result.ProviderDiagnostics(hcl.ProviderRef{Job: "orders", Kind: hcl.KindStorage, Label: "o"},
		[]schema.Diagnostic{{Path: []string{"bucket"}, Summary: "no bucket " + canary, Detail: "looked for " + canary}})
	mustNotShow(t, text(t, got)+asJSON(t, got))
}
