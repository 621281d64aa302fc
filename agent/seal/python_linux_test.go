package seal_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/drydock-backup/drydock/agent/seal"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// S1: the format is what its documentation says: the script there, which is not made of this package or its libraries,
// opens what was sealed, and refuses what was altered.
func TestOpenedByAnotherImplementation(t *testing.T) {
	if err := install.Install(t.Context(), install.Sealed, t.Output()); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	k, err := seal.GenerateKey(false)
	if err != nil {
		t.Fatal(err)
	}
	keys := sshKeys(t)
	keys["x25519"] = k
	h := seal.Holders{Passphrase: "correct horse", WorkFactor: work}
	for _, k := range keys {
		r, err := seal.ParseRecipient(k.Recipient)
		if err != nil {
			t.Fatal(err)
		}
		h.Recipients = append(h.Recipients, r)
	}
	plain := data(5*mib + 321)
	raw := sealed(t, plain, 2*mib, h)
	file := filepath.Join(dir, "Data.zip.sealed")
	open := func(raw []byte, k seal.KeyPair) ([]byte, string, error) {
		t.Helper()
		keyfile := filepath.Join(dir, "key")
		for name, text := range map[string][]byte{file: raw, keyfile: []byte(k.Secret + "\n")} {
			if err := os.WriteFile(name, text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "../../docs/formats/open-sealed.py", file, keyfile)
		var out, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &said
		err := cmd.Run()
		return out.Bytes(), said.String(), err
	}
	for name, k := range keys {
		if got, said, err := open(raw, k); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %d bytes, %v\n%s", name, len(got), err, said)
		}
	}
	stranger, err := seal.GenerateKey(false)
	if err != nil {
		t.Fatal(err)
	}
	if got, said, err := open(raw, stranger); err == nil || len(got) > 0 || !strings.Contains(said, "does not open it") {
		t.Errorf("a stranger's key: %d bytes, %v\n%s", len(got), err, said)
	}
	bad := bytes.Clone(raw)
	bad[3*mib] ^= 1
	if got, said, err := open(bad, k); err == nil || !bytes.HasPrefix(plain, got) || !strings.Contains(said, "damaged") {
		t.Errorf("an altered artifact: %d bytes, %v\n%s", len(got), err, said)
	}

	// Another slot after a change of holders.
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, _ := pair(t, stranger)
	_, id := pair(t, k)
	if err := seal.Rewrap(f, int64(len(raw)), seal.Holders{Recipients: []age.Recipient{r}}, id); err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got, said, err := open(now, stranger); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after a change of holders: %d bytes, %v\n%s", len(got), err, said)
	}
}
