package seal_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"filippo.io/age"
	"golang.org/x/crypto/ssh"

	"github.com/drydock-backup/drydock/agent/seal"
)

// MiB is the least chunk: a chunk has at least one segment beyond the header.
const (
	kib = 1 << 10
	mib = 1 << 20
)

// work keeps scrypt fast in tests.
const work = 10

func data(n int) []byte {
	b := make([]byte, n)
	rnd := mathrand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)})
	_, _ = rnd.Read(b)
	return b
}

func keyPair(t testing.TB) (age.Recipient, age.Identity) {
	t.Helper()
	k, err := seal.GenerateKey(false)
	if err != nil {
		t.Fatal(err)
	}
	return pair(t, k)
}

func pair(t testing.TB, k seal.KeyPair) (age.Recipient, age.Identity) {
	t.Helper()
	r, err := seal.ParseRecipient(k.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := seal.ParseIdentities([]byte("# a comment\n" + k.Secret + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r, ids[0]
}

func sealed(t testing.TB, plain []byte, chunk int64, h seal.Holders) []byte {
	t.Helper()
	var out bytes.Buffer
	w := newWriter(t, &out, chunk, h)
	for rest := plain; len(rest) > 0; { // in odd pieces
		n := min(len(rest), 300*kib+7)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func newWriter(t testing.TB, to io.Writer, chunk int64, h seal.Holders) *seal.Writer {
	t.Helper()
	e, err := seal.NewEnvelope(h)
	if err != nil {
		t.Fatal(err)
	}
	w, err := seal.NewWriter(to, chunk, e)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func open(t testing.TB, raw []byte, ids ...age.Identity) (*seal.Artifact, error) {
	t.Helper()
	return seal.Open(bytes.NewReader(raw), int64(len(raw)), ids...)
}

// opened reads a whole artifact.
func opened(t testing.TB, raw []byte, ids ...age.Identity) ([]byte, error) {
	t.Helper()
	a, err := open(t, raw, ids...)
	if err != nil {
		return nil, err
	}
	if a.HeaderDamage != nil {
		return nil, a.HeaderDamage
	}
	return io.ReadAll(io.NewSectionReader(a, 0, a.Size()))
}

// S1: what is sealed comes back, whatever its size, at the boundaries of segments, chunks and header.
func TestRoundTrip(t *testing.T) {
	r, id := keyPair(t)
	const chunk = 2 * mib
	first := chunk - 64*kib - 40 - 2*16 // plaintext of chunk 0
	each := chunk - 40 - 2*16
	for _, n := range []int{0, 1, 1000, mib - 56, mib - 55, mib, first - 1, first, first + 1, first + each, first + each + 1, 3*each + 12345} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			plain := data(n)
			raw := sealed(t, plain, chunk, seal.Holders{Recipients: []age.Recipient{r}})
			got, err := opened(t, raw, id)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if n > 100 && bytes.Contains(raw, plain[:32]) {
				t.Error("plaintext shows")
			}
		})
	}
}

// Any part can be read, by several readers at once.
func TestReadAt(t *testing.T) {
	r, id := keyPair(t)
	plain := data(7*mib + 99)
	raw := sealed(t, plain, 2*mib, seal.Holders{Recipients: []age.Recipient{r}})
	a, err := open(t, raw, id)
	if err != nil {
		t.Fatal(err)
	}
	for worker := range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			rnd := mathrand.New(mathrand.NewPCG(1, uint64(worker)))
			for range 200 {
				off := rnd.IntN(len(plain) + 10)
				p := make([]byte, rnd.IntN(3*mib))
				n, err := a.ReadAt(p, int64(off))
				want := min(len(p), max(0, len(plain)-off))
				if n != want || n < len(p) && !errors.Is(err, io.EOF) || n == len(p) && err != nil {
					t.Fatalf("read %d at %d: %d, %v", len(p), off, n, err)
				}
				if n > 0 && !bytes.Equal(p[:n], plain[off:off+n]) {
					t.Fatalf("read %d at %d: other bytes", len(p), off)
				}
			}
		})
	}
	if _, err := a.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("a negative offset is no error")
	}
}

func sshKeys(t *testing.T) map[string]seal.KeyPair {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]seal.KeyPair{}
	for name, key := range map[string]any{"ssh-ed25519": ed, "ssh-rsa": rsaKey} {
		block, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.NewSignerFromKey(key)
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = seal.KeyPair{Secret: string(pem.EncodeToMemory(block)), Recipient: string(ssh.MarshalAuthorizedKey(signer.PublicKey()))}
	}
	return keys
}

// S1: a passphrase and several kinds of keys hold one artifact, and each opens it alone.
func TestHolders(t *testing.T) {
	keys := sshKeys(t)
	for name, hybrid := range map[string]bool{"x25519": false, "post-quantum": true} {
		k, err := seal.GenerateKey(hybrid)
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = k
	}
	h := seal.Holders{Passphrase: "correct horse", WorkFactor: work}
	ids := map[string]age.Identity{}
	for name, k := range keys {
		r, err := seal.ParseRecipient(k.Recipient)
		if err != nil {
			t.Fatal(err)
		}
		h.Recipients = append(h.Recipients, r)
		list, err := seal.ParseIdentities([]byte(k.Secret))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		ids[name] = list[0]
	}
	var err error
	if ids["passphrase"], err = seal.PassphraseIdentity("correct horse"); err != nil {
		t.Fatal(err)
	}
	plain := data(100 * kib)
	raw := sealed(t, plain, 2*mib, h)
	for name, id := range ids {
		if got, err := opened(t, raw, id); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	_, stranger := keyPair(t)
	wrong, err := seal.PassphraseIdentity("battery staple")
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]age.Identity{"stranger": {stranger}, "wrong passphrase": {wrong}, "both": {wrong, stranger}, "nobody": nil} {
		if _, err := opened(t, raw, list...); !errors.Is(err, seal.ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := opened(t, raw, stranger, wrong, ids["x25519"]); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("the right key among wrong ones: %v", err)
	}
}

func TestBadHolders(t *testing.T) {
	r, _ := keyPair(t)
	many := seal.Holders{Recipients: slicesRepeat(r, 1000)}
	for name, tc := range map[string]struct {
		chunk int64
		h     seal.Holders
		says  string
	}{
		"nobody":        {2 * mib, seal.Holders{}, "nobody could open it"},
		"odd chunks":    {2*mib + 1, seal.Holders{Recipients: many.Recipients[:1]}, "multiple of 1 MiB"},
		"no chunks":     {0, seal.Holders{Recipients: many.Recipients[:1]}, "multiple of 1 MiB"},
		"many for all":  {2 * mib, many, "fewer recipients"},
		"giant chunks":  {2 << 40, seal.Holders{Recipients: many.Recipients[:1]}, "multiple of 1 MiB"},
		"negative size": {-mib, seal.Holders{Recipients: many.Recipients[:1]}, "multiple of 1 MiB"},
	} {
		var out bytes.Buffer
		e, err := seal.NewEnvelope(tc.h)
		if err == nil {
			_, err = seal.NewWriter(&out, tc.chunk, e)
		}
		if err == nil || !strings.Contains(err.Error(), tc.says) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes written", name, err, out.Len())
		}
	}
}

func slicesRepeat(r age.Recipient, n int) []age.Recipient {
	all := make([]age.Recipient, n)
	for i := range all {
		all[i] = r
	}
	return all
}

func TestBadKeys(t *testing.T) {
	k, err := seal.GenerateKey(false)
	if err != nil {
		t.Fatal(err)
	}
	for text, says := range map[string]string{
		"":                               "must begin with age1",
		"age1":                           "not a public key",
		"age1pq1xyz":                     "not a public key",
		"ssh-ed25519 AAAA":               "not a public key",
		"ssh-dss AAAA":                   "not a public key",
		k.Secret:                         "secret key",
		"-----BEGIN OPENSSH":             "secret key",
		k.Recipient + "x":                "not a public key",
		k.Recipient[:len(k.Recipient)-1]: "not a public key",
	} {
		if _, err := seal.ParseRecipient(text); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), k.Secret) {
			t.Errorf("recipient %.12q: %v", text, err)
		}
	}
	for _, text := range []string{"", "# nothing\n", "hello", k.Recipient, k.Secret + "x", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"} {
		if _, err := seal.ParseIdentities([]byte(text)); err == nil || strings.Contains(err.Error(), k.Secret[20:40]) {
			t.Errorf("identities %.12q: %v", text, err)
		}
	}
	if _, err := seal.PassphraseIdentity(""); err == nil {
		t.Error("an empty passphrase is accepted")
	}
	if s := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(s, k.Secret[20:40]) {
		t.Errorf("a key pair prints its secret: %s", s)
	}
}
