package job_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/job"
)

// R2.5: a job can be printed, logged and encoded in any way without its secrets.
func TestSecretsDoNotPrint(t *testing.T) {
	j := job.Job{
		Name:     "orders",
		MySQL:    job.MySQL{User: "drydock", Password: "hunter2"},
		Compress: job.Provider{Type: "zstd", Config: job.Config(`{"key":"hunter2"}`)},
		Targets:  []job.Provider{{Config: job.Config(`{"key":"hunter2"}`)}},
	}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("loaded", "mysql", j.MySQL, "password", j.MySQL.Password, "compress", j.Compress, "config", j.Compress.Config)
	}
	encoded, err := json.Marshal(struct {
		Password job.Secret
		Target   job.Provider
	}{j.MySQL.Password, j.Targets[0]})
	if err != nil {
		t.Fatal(err)
	}
	output := log.String() + string(encoded)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		output += fmt.Sprintf(verb, j.MySQL) + fmt.Sprintf(verb, j.Compress) + fmt.Sprintf(verb, j.MySQL.Password)
	}
	if strings.Contains(output, "hunter2") || strings.Contains(output, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("a secret is printed:\n%s", output)
	}
	if !strings.Contains(output, "[redacted]") || !strings.Contains(output, "drydock") {
		t.Errorf("nothing was printed at all:\n%s", output)
	}
	if j.MySQL.Password.Reveal() != "hunter2" || string(j.Compress.Config.Reveal()) != `{"key":"hunter2"}` {
		t.Error("Reveal does not give the secret")
	}
}
