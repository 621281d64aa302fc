package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"os"
	"strconv"
	"testing"

	"filippo.io/age"

	"github.com/drydock-backup/drydock/agent/archive"
	"github.com/drydock-backup/drydock/agent/seal"
	"github.com/drydock-backup/drydock/sdk/errs"
)

// damaged is an artifact with one bit flipped, or cut short, without a copy of it.
type damaged struct {
	data []byte
	at   int  // of the flipped bit's byte; -1: none
	mask byte // the bit
}

// Size implements archive.Source.
func (d damaged) Size() int64 { return int64(len(d.data)) }

// ReadAt implements io.ReaderAt.
func (d damaged) ReadAt(p []byte, off int64) (int, error) {
	n, err := bytes.NewReader(d.data).ReadAt(p, off)
	if i := int64(d.at) - off; d.at >= 0 && i >= 0 && i < int64(n) {
		p[i] ^= d.mask
	}
	return n, err
}

// specimen is an artifact that is whole, and how it is verified.
type specimen struct {
	name   string
	data   []byte
	places []int // the beginnings of its parts, which are looked at more closely
	verify func(ctx context.Context, src archive.Source) error
}

// kinds returns a plain and a sealed artifact of the same tree.
func kinds(t *testing.T) []specimen {
	t.Helper()
	root := t.TempDir()
	put(t, root, "shop/orders.ibd", pages(1<<20))
	put(t, root, "ibdata1", random(3<<20))
	put(t, root, "binlog.000001", random(2<<20))
	for _, name := range []string{"auto.cnf", "empty/none", "shop/db.opt"} {
		put(t, root, name, []byte(name))
	}
	f := newFrames(t, "zstd", 1<<20, 4)
	plain, _ := pack(t, f, archive.Options{Root: root})
	raw := make([]byte, plain.Size())
	if _, err := plain.ReadAt(raw, 0); err != nil {
		t.Fatal(err)
	}
	deep := func(ctx context.Context, src archive.Source) error {
		rep, err := archive.Verify(ctx, src, f, archive.VerifyOptions{})
		return errors.Join(err, rep.Err())
	}
	end := len(raw)
	return []specimen{
		{"plain", raw, []int{0, end - 22, end - 42, end - 98, end - 200, end - 1000}, deep},
		sealedKind(t, raw, deep),
	}
}

// sealedKind seals an artifact in chunks as small as they can be.
func sealedKind(t *testing.T, plain []byte, deep func(context.Context, archive.Source) error) specimen {
	t.Helper()
	pair, err := seal.GenerateKey(false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := seal.ParseRecipient(pair.Recipient)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := seal.ParseIdentities([]byte(pair.Secret))
	if err != nil {
		t.Fatal(err)
	}
	e, err := seal.NewEnvelope(seal.Holders{Recipients: []age.Recipient{r}})
	if err != nil {
		t.Fatal(err)
	}
	const chunk = 2 * seal.SegmentSize
	var out bytes.Buffer
	w, err := seal.NewWriter(&out, chunk, e)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	verify := func(ctx context.Context, src archive.Source) error {
		a, err := seal.Open(src, src.Size(), ids...)
		if err != nil {
			return err
		}
		return errors.Join(a.HeaderDamage, deep(ctx, a))
	}
	return specimen{"sealed", out.Bytes(), []int{0, 12, 64, 72, 200, seal.HeaderSize, chunk, 2 * chunk, out.Len() - 56}, verify}
}

// count is how many of a kind the campaign makes: a sample, or as many as the environment says.
func count(t *testing.T, name string, sample int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return sample
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number", name, text)
	}
	return n
}

// R4.5, S2: whatever single bit of an artifact is flipped, and wherever it is cut, a verification notices it, and says so
// with a kind that callers understand. `make flips` makes ten thousand flips and a thousand cuts.
func TestFlipCampaign(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			if err := k.verify(t.Context(), damaged{data: k.data, at: -1}); err != nil {
				t.Fatalf("the whole artifact: %v", err)
			}
			rnd := mathrand.New(mathrand.NewPCG(4711, 1))
			flips, cuts := count(t, "DRYDOCK_FLIPS", 150), count(t, "DRYDOCK_CUTS", 40)
			missed := 0
			look := func(what string, at int, d damaged) {
				err := k.verify(t.Context(), d)
				if err == nil || !errs.Is(err, errs.Corrupt) && !sealKind(err) {
					missed++
					t.Errorf("%s at byte %d of %d: %v", what, at, len(k.data), err)
				}
			}
			for i := range flips {
				at := rnd.IntN(len(k.data))
				if i%3 == 0 { // every third near the beginning of a part
					at = min(k.places[rnd.IntN(len(k.places))]+rnd.IntN(64), len(k.data)-1)
				}
				look("a flipped bit", at, damaged{k.data, at, 1 << rnd.IntN(8)})
			}
			for range cuts {
				at := rnd.IntN(len(k.data))
				look("a cut", at, damaged{data: k.data[:at], at: -1})
			}
			t.Logf("%s: %d flips, %d cuts, %d missed", k.name, flips, cuts, missed)
		})
	}
}

// sealKind reports whether an error is one that package seal promises.
func sealKind(err error) bool {
	for _, kind := range []error{seal.ErrDamaged, seal.ErrNoKey, seal.ErrNotSealed, seal.ErrNewer} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = io.ReadFull(mathrand.NewChaCha8([32]byte{byte(n)}), b)
	return b
}
