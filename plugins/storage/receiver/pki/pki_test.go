package pki_test

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/pki"
)

// authority makes one, with a certificate for a server.
func authority(t testing.TB) (*pki.Authority, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	a, err := pki.Create(dir, time.Now)
	if err == nil {
		err = a.Server([]string{"vault", "127.0.0.1"}, pki.ServerLife)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a, dir
}

func files(dir string) pki.Files {
	return pki.Files{CA: filepath.Join(dir, pki.CAFile), Cert: filepath.Join(dir, pki.ServerFile),
		Key: filepath.Join(dir, pki.ServerKeyFile), Revoked: filepath.Join(dir, pki.RevokedFile)}
}

// R1.5: revoking a client revokes all of its certificates, and nobody else's.
func TestRevoke(t *testing.T) {
	a, dir := authority(t)
	enroll := func(name, bundle string) *x509.Certificate {
		cert, err := a.Enroll(name, filepath.Join(dir, bundle), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	first, second, other := enroll("db", "a"), enroll("db", "b"), enroll("db-1", "c")
	if n, err := a.Revoke("db"); n != 2 || err != nil {
		t.Errorf("%d certificates revoked, error %v", n, err)
	}
	third := enroll("db", "d")
	trust, err := pki.Load(files(dir))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cert *x509.Certificate
		want bool
	}{"first": {first, true}, "second": {second, true}, "a longer name": {other, false}, "enrolled again": {third, false}} {
		if got := trust.IsRevoked(c.cert); got != c.want {
			t.Errorf("%s: revoked %t, want %t", name, got, c.want)
		}
	}
	if _, err := a.Revoke("nobody"); !errors.Is(err, pki.ErrNothingToRevoke) {
		t.Errorf("a client that nobody knows: %v", err)
	}
	if trust.Changed(files(dir)) {
		t.Error("nothing has changed")
	}
	if _, err := a.Revoke("db-1"); err != nil || !trust.Changed(files(dir)) {
		t.Errorf("a change is not noticed, error %v", err)
	}
}

const brokenCert = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

// What cannot be trusted is not loaded.
func TestLoadRefuses(t *testing.T) {
	_, foreign := authority(t)
	tests := map[string]func(dir string) error{
		"no authority":         func(dir string) error { return os.Remove(filepath.Join(dir, pki.CAFile)) },
		"no certificate in it": func(dir string) error { return os.WriteFile(filepath.Join(dir, pki.CAFile), []byte("x"), 0o600) },
		"broken certificate": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, pki.CAFile), []byte(brokenCert), 0o600)
		},
		"key of another": func(dir string) error { return replace(dir, foreign, pki.ServerKeyFile) },
		"no key":         func(dir string) error { return os.Remove(filepath.Join(dir, pki.ServerKeyFile)) },
		"revocation list of another": func(dir string) error {
			return replace(dir, foreign, pki.RevokedFile)
		},
		"no revocation list":     func(dir string) error { return os.Remove(filepath.Join(dir, pki.RevokedFile)) },
		"revocation list broken": func(dir string) error { return os.WriteFile(filepath.Join(dir, pki.RevokedFile), nil, 0o600) },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			_, dir := authority(t)
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			if _, err := pki.Load(files(dir)); err == nil {
				t.Error("loaded")
			}
		})
	}
}

func replace(dir, from, name string) error {
	text, err := os.ReadFile(filepath.Join(from, name))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, name), text, 0o600)
}

// Keys are for their owner alone, and nothing that is there is overwritten.
func TestFiles(t *testing.T) {
	a, dir := authority(t)
	bundle := filepath.Join(dir, "bundle")
	if _, err := a.Enroll("db", bundle, time.Hour); err != nil {
		t.Fatal(err)
	}
	keys := []string{filepath.Join(dir, "ca-key.pem"), filepath.Join(dir, pki.ServerKeyFile), filepath.Join(bundle, pki.BundleKey)}
	for _, name := range keys {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if _, err := a.Enroll("db", bundle, time.Hour); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a bundle that is there: %v", err)
	}
	if _, err := pki.Create(dir, time.Now); !errors.Is(err, fs.ErrExist) {
		t.Errorf("an authority that is there: %v", err)
	}
	if _, err := a.Enroll("../db", filepath.Join(dir, "x"), time.Hour); err == nil {
		t.Error("a name that climbs is enrolled")
	}
}

func FuzzName(f *testing.F) {
	for _, name := range []string{"db", "orders-db.eu_1", "", ".", "..", "-x", "A", "a/b", "a\x00", "é", "a.", strings.Repeat("x", 64)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if pki.CheckName(name) != nil {
			return
		}
		if !filepath.IsLocal(name) || filepath.Base(name) != name || strings.ToLower(name) != name || len(name) > 63 ||
			name[0] == '.' {
			t.Errorf("%q is accepted", name)
		}
	})
}

func FuzzRevoked(f *testing.F) {
	_, dir := authority(f)
	good, err := os.ReadFile(filepath.Join(dir, pki.RevokedFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if list, err := pki.ParseRevoked(text); (list == nil) == (err == nil) {
			t.Errorf("list %v, error %v", list, err)
		}
	})
}

func FuzzCerts(f *testing.F) {
	_, dir := authority(f)
	good, err := os.ReadFile(filepath.Join(dir, pki.CAFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(append(good, good...))
	f.Add([]byte(brokenCert))
	f.Fuzz(func(t *testing.T, text []byte) {
		if certs, err := pki.ParseCerts(text); (len(certs) == 0) == (err == nil) {
			t.Errorf("%d certificates, error %v", len(certs), err)
		}
	})
}
