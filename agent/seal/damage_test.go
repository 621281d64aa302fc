package seal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"github.com/drydock-backup/drydock/agent/seal"
)

// S1, S2: whatever single bit is flipped, wherever it is cut: it is noticed, and no wrong byte is given out.
func TestFlipsAndCuts(t *testing.T) {
	r, id := keyPair(t)
	plain := data(4*mib + 77)
	raw := sealed(t, plain, 2*mib, seal.Holders{Recipients: []age.Recipient{r}})
	rnd := mathrand.New(mathrand.NewPCG(7, 7))
	where := []int{0, 8, 12, 16, 32, 40, 44, 63, 64, 68, 72, 76, 90, 64 << 10, 64<<10 + 1, 64<<10 + 40, 2 * mib, 2*mib + 39,
		len(raw) - 1, len(raw) - 56, len(raw) - 57}
	for range 150 {
		where = append(where, rnd.IntN(len(raw)), rnd.IntN(64<<10))
	}
	for _, at := range where {
		bad := bytes.Clone(raw)
		bad[at] ^= 1 << rnd.IntN(8)
		if got, err := opened(t, bad, id); err == nil || !known(err) || !bytes.HasPrefix(plain, got) {
			t.Errorf("a flipped bit in byte %d: %d bytes, %v", at, len(got), err)
		}
	}
	for range 100 {
		at := rnd.IntN(len(raw))
		if got, err := opened(t, raw[:at], id); err == nil || !known(err) {
			t.Errorf("cut at %d: %d bytes, %v", at, len(got), err)
		}
	}
	if _, err := opened(t, append(bytes.Clone(raw), 0), id); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("grown by a byte: %v", err)
	}
}

// known reports whether an error is one that callers can act on.
func known(err error) bool {
	for _, kind := range []error{seal.ErrDamaged, seal.ErrNoKey, seal.ErrNotSealed, seal.ErrNewer} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}

// S1: chunks of one artifact or of two with the same key holders cannot be put together anew.
func TestMixedChunks(t *testing.T) {
	r, id := keyPair(t)
	h := seal.Holders{Recipients: []age.Recipient{r}}
	const chunk = 2 * mib
	one, two := sealed(t, data(7*mib), chunk, h), sealed(t, data(7*mib), chunk, h)
	part := func(raw []byte, from, to int) []byte { return raw[from*chunk : to*chunk] }
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	end := func(raw []byte) []byte { return raw[3*chunk:] }
	for name, raw := range map[string][]byte{
		"two chunks swapped":         join(part(one, 0, 1), part(one, 2, 3), part(one, 1, 2), end(one)),
		"a chunk twice":              join(part(one, 0, 1), part(one, 1, 2), part(one, 1, 2), end(one)),
		"a chunk left out":           join(part(one, 0, 1), part(one, 2, 3), end(one)),
		"a chunk of another backup":  join(part(one, 0, 1), part(two, 1, 2), part(one, 2, 3), end(one)),
		"the header of another":      join(two[:64*kib], one[64*kib:]),
		"the end of another":         join(part(one, 0, 3), end(two)),
		"cut at a chunk's boundary":  part(one, 0, 2),
		"cut, with the end appended": join(part(one, 0, 2), one[len(one)-56:]),
	} {
		if got, err := opened(t, raw, id); !errors.Is(err, seal.ErrDamaged) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestBadHeaders(t *testing.T) {
	r, id := keyPair(t)
	raw := sealed(t, data(1000), 2*mib, seal.Holders{Recipients: []age.Recipient{r}})
	put32 := func(at int, v uint32) []byte {
		b := bytes.Clone(raw)
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
	put64 := func(at int, v uint64) []byte {
		b := bytes.Clone(raw)
		binary.BigEndian.PutUint64(b[at:], v)
		return b
	}
	for name, tc := range map[string]struct {
		raw  []byte
		want error
	}{
		"nothing":             {nil, seal.ErrNotSealed},
		"a zip":               {append([]byte("PK\x03\x04"), make([]byte, 1000)...), seal.ErrNotSealed},
		"magic alone":         {raw[:8], seal.ErrNotSealed},
		"format 2":            {put32(8, 2), seal.ErrNewer},
		"format 0":            {put32(8, 0), seal.ErrDamaged},
		"no header":           {put32(12, 0), seal.ErrDamaged},
		"odd header":          {put32(12, 64<<10+1), seal.ErrDamaged},
		"giant header":        {put32(12, 1<<31), seal.ErrDamaged},
		"no chunks":           {put64(32, 0), seal.ErrDamaged},
		"negative chunks":     {put64(32, 1<<63), seal.ErrDamaged},
		"odd chunks":          {put64(32, 2*mib+1), seal.ErrDamaged},
		"other chunks":        {put64(32, 4*mib), seal.ErrDamaged},
		"other segments":      {put32(40, 1<<16), seal.ErrDamaged},
		"reserved":            {put32(44, 1), seal.ErrDamaged},
		"empty slots":         {append(bytes.Clone(raw[:64]), make([]byte, 70<<10)...), seal.ErrDamaged},
		"slot without holder": {put32(68, 0), seal.ErrDamaged},
		"slot too long":       {put32(68, 1<<30), seal.ErrDamaged},
		"holder too long":     {put32(72, 1<<30), seal.ErrDamaged},
		"generation":          {put32(64, 7), seal.ErrDamaged},
		"junk in slot 1":      {put32(64+(64<<10-64)/2, 3), seal.ErrDamaged},
		"only the header":     {raw[:64<<10], seal.ErrDamaged},
		"no end":              {raw[:len(raw)-56], seal.ErrDamaged},
	} {
		if got, err := opened(t, tc.raw, id); !errors.Is(err, tc.want) {
			t.Errorf("%s: %d bytes, %v; want %v", name, len(got), err, tc.want)
		}
	}
}

// The chunks are what Tink makes and reads: the reader of this package and Tink's agree.
func TestTinkReadsChunks(t *testing.T) {
	r, id := keyPair(t)
	plain := data(3*mib + 5)
	raw := sealed(t, plain, 2*mib, seal.Holders{Recipients: []age.Recipient{r}})
	a, err := open(t, raw, id)
	if err != nil {
		t.Fatal(err)
	}
	tink, err := subtle.NewAESGCMHKDF(seal.PayloadKey(a), "SHA256", 32, seal.SegmentSize, 0)
	if err != nil {
		t.Fatal(err)
	}
	artifact := a.ID()
	var got []byte
	bounds := []int{seal.HeaderSize, 2 * mib, len(raw) - 56, len(raw)}
	for i := range 3 {
		last := byte(0)
		if i == 2 {
			last = 1
		}
		aad := append(binary.BigEndian.AppendUint64(artifact[:], uint64(i)), last)
		chunk, err := tink.NewDecryptingReader(bytes.NewReader(raw[bounds[i]:bounds[i+1]]), aad)
		if err != nil {
			t.Fatal(err)
		}
		part, err := io.ReadAll(chunk)
		if err != nil {
			t.Fatalf("chunk %d: %v", i, err)
		}
		got = append(got, part...)
	}
	if !bytes.Equal(got, plain) {
		t.Error("Tink reads other bytes")
	}
}

// crashing is a file whose writes stop at one of them, as at a power cut.
type crashing struct {
	*os.File
	left int // writes until the cut
	torn int // bytes of the write that is cut
}

func (c *crashing) WriteAt(p []byte, off int64) (int, error) {
	if c.left == 0 {
		_, _ = c.File.WriteAt(p[:c.torn], off)
		return 0, errors.New("power cut")
	}
	c.left--
	return c.File.WriteAt(p, off)
}

// Rewrapping lets others in and those before out, rewrites no data, and a crash in the middle locks nobody out.
func TestRewrap(t *testing.T) {
	r1, id1 := keyPair(t)
	r2, id2 := keyPair(t)
	plain := data(3 * mib)
	raw := sealed(t, plain, 2*mib, seal.Holders{Recipients: []age.Recipient{r1}})
	write := func(t *testing.T) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), "Data.zip.sealed"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if _, err := f.Write(raw); err != nil {
			t.Fatal(err)
		}
		return f
	}
	read := func(t *testing.T, f *os.File) []byte {
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	size := int64(len(raw))
	t.Run("there and back", func(t *testing.T) {
		f := write(t)
		for i, step := range []struct {
			to       age.Recipient
			by, gone age.Identity
		}{{r2, id1, id1}, {r1, id2, id2}, {r1, id1, id2}} {
			if err := seal.Rewrap(f, size, seal.Holders{Recipients: []age.Recipient{step.to}}, step.by); err != nil {
				t.Fatal(err)
			}
			now := read(t, f)
			if !bytes.Equal(now[64<<10:], raw[64<<10:]) {
				t.Fatal("data were rewritten")
			}
			if _, err := opened(t, now, step.gone); step.gone != step.by && !errors.Is(err, seal.ErrNoKey) || i == 0 && !errors.Is(err, seal.ErrNoKey) {
				t.Errorf("step %d: who was let out: %v", i, err)
			}
		}
		if got, err := opened(t, read(t, f), id1); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if err := seal.Rewrap(f, size, seal.Holders{Recipients: []age.Recipient{r1}}, id2); !errors.Is(err, seal.ErrNoKey) {
			t.Errorf("rewrapped by a stranger: %v", err)
		}
	})
	for left := range 2 {
		for _, torn := range []int{0, 1, 60, 400, 30000} {
			t.Run(fmt.Sprintf("cut at write %d after %d bytes", left, torn), func(t *testing.T) {
				f := write(t)
				h := seal.Holders{Recipients: []age.Recipient{r2}}
				if err := seal.Rewrap(&crashing{f, left, torn}, size, h, id1); err == nil {
					t.Fatal("the cut was not noticed")
				}
				now := read(t, f)
				a, err := open(t, now, id1, id2)
				if err != nil {
					t.Fatal(err)
				}
				if got, err := io.ReadAll(io.NewSectionReader(a, 0, a.Size())); err != nil || !bytes.Equal(got, plain) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				if err := seal.Rewrap(f, size, h, id1, id2); err != nil { // the second try puts it in order
					t.Fatal(err)
				}
				if _, err := opened(t, read(t, f), id2); err != nil {
					t.Error(err)
				}
				if _, err := opened(t, read(t, f), id1); !errors.Is(err, seal.ErrNoKey) {
					t.Errorf("who was let out: %v", err)
				}
			})
		}
	}
}

// A MAC of what belongs to an artifact holds for that artifact and those bytes alone.
func TestMAC(t *testing.T) {
	r, id := keyPair(t)
	h := seal.Holders{Recipients: []age.Recipient{r}}
	var one bytes.Buffer
	e, err := seal.NewEnvelope(h)
	if err != nil {
		t.Fatal(err)
	}
	mac := e.MAC([]byte("manifest"))
	w, err := seal.NewWriter(&one, 2*mib, e)
	if err != nil {
		t.Fatal(err)
	}
	e.Forget()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := open(t, one.Bytes(), id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := open(t, sealed(t, nil, 2*mib, h), id)
	if err != nil {
		t.Fatal(err)
	}
	if !a.CheckMAC([]byte("manifest"), mac) || a.CheckMAC([]byte("manifesT"), mac) || a.CheckMAC([]byte("manifest"), mac[:31]) ||
		b.CheckMAC([]byte("manifest"), mac) {
		t.Error("the MAC does not tell right from wrong")
	}
}

// An error of what is below stays, and nothing is given out for whole.
func TestWriterErrors(t *testing.T) {
	r, _ := keyPair(t)
	h := seal.Holders{Recipients: []age.Recipient{r}}
	full := errors.New("disk full")
	for _, room := range []int{0, 100 << 10, 3 * mib} {
		e, err := seal.NewEnvelope(h)
		if err != nil {
			t.Fatal(err)
		}
		w, err := seal.NewWriter(&limited{room, full}, 2*mib, e)
		if err == nil {
			_, err = w.Write(data(6 * mib))
			if errClose := w.Close(); !errors.Is(errClose, full) {
				t.Errorf("room for %d: close after an error: %v", room, errClose)
			}
		}
		if !errors.Is(err, full) {
			t.Errorf("room for %d: %v", room, err)
		}
	}
}

type limited struct {
	room int
	err  error
}

func (l *limited) Write(p []byte) (int, error) {
	if len(p) > l.room {
		return 0, l.err
	}
	l.room -= len(p)
	return len(p), nil
}

func FuzzOpen(f *testing.F) {
	r, id := keyPair(f)
	raw := sealed(f, data(1000), 2*mib, seal.Holders{Recipients: []age.Recipient{r}})
	f.Add(raw)
	f.Add(raw[:100])
	f.Add([]byte("DRYDOCKS"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := opened(t, b, id)
		if err == nil && !bytes.Equal(got, data(1000)) {
			t.Errorf("%d other bytes", len(got))
		}
		if err != nil && !known(err) {
			t.Errorf("an error without a kind: %v", err)
		}
	})
}
