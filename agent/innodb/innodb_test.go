package innodb_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/innodb"
)

// space makes a tablespace of n pages with algorithm crc32, or full_crc32 when the flags say so.
func space(n, size int, flags uint32) []byte {
	data := make([]byte, n*size)
	rng := rand.New(rand.NewPCG(uint64(n), uint64(size)))
	for i := range n {
		p := data[i*size:][:size]
		for at := 38; at+8 <= size; at += 8 {
			binary.BigEndian.PutUint64(p[at:], rng.Uint64())
		}
		binary.BigEndian.PutUint32(p[4:], uint32(i))
		binary.BigEndian.PutUint64(p[16:], 0x1234500000+uint64(i))
		binary.BigEndian.PutUint16(p[24:], 17855)
		binary.BigEndian.PutUint32(p[34:], 7)
		if i == 0 {
			binary.BigEndian.PutUint16(p[24:], 8)
			clear(p[38 : 38+112])
			binary.BigEndian.PutUint32(p[38:], 7)
			binary.BigEndian.PutUint32(p[54:], flags)
			clear(p[150:]) // no page is free, nothing is encrypted
		}
		seal(p, flags&16 != 0)
	}
	return data
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal writes the checksum of a page.
func seal(p []byte, full bool) {
	end := len(p) - 8
	copy(p[end+4:], p[20:24])
	if full {
		copy(p[end:], p[20:24])
		binary.BigEndian.PutUint32(p[end+4:], crc32.Checksum(p[:end+4], castagnoli))
		return
	}
	sum := crc32.Checksum(p[4:26], castagnoli) ^ crc32.Checksum(p[38:end], castagnoli)
	binary.BigEndian.PutUint32(p, sum)
	binary.BigEndian.PutUint32(p[end:], sum)
}

const (
	flags4K  = 3 << 6
	flags16K = 0
	flags64K = 7 << 6
	full16K  = 16 | 5
)

// check gives data to a checker, in pieces of so many bytes; 0 is all at once.
func check(t testing.TB, name string, data []byte, piece int) (innodb.Result, bool) {
	t.Helper()
	c := innodb.New(name, int64(len(data)), innodb.Hints{})
	if c == nil {
		return innodb.Result{}, false
	}
	for rest := data; len(rest) > 0; {
		n := len(rest)
		if piece > 0 {
			n = min(n, piece)
		}
		if wrote, err := c.Write(rest[:n]); wrote != n || err != nil {
			t.Fatalf("Write: %d, %v", wrote, err)
		}
		rest = rest[n:]
	}
	return c.Close()
}

func TestPieces(t *testing.T) {
	data := space(40, 16<<10, flags16K)
	data[3*16<<10+5000] ^= 1
	data[39*16<<10+20] ^= 8
	want := innodb.Result{Pages: 40, Damaged: 2, Bad: []int64{3, 39}}
	for _, piece := range []int{0, 1, 7, 4096, 16 << 10, 100_000, 128 << 10, 200_000, 2 << 20} {
		if r, ok := check(t, "t.ibd", data, piece); !ok || cmp.Diff(want, r) != "" {
			t.Errorf("pieces of %d: %v %s", piece, ok, cmp.Diff(want, r))
		}
	}
}

// Look in any order, from many goroutines, finds the same.
func TestLookAhead(t *testing.T) {
	const piece = 256 << 10
	data := space(256, 16<<10, full16K)
	for _, n := range []int{1, 17, 100, 255} {
		data[n*16<<10+9000] ^= 2
	}
	c := innodb.New("t.ibd", int64(len(data)), innodb.Hints{})
	c.Add(c.Look(0, data[:piece]))
	parts := make([]chan innodb.Part, len(data)/piece)
	for i := len(parts) - 1; i > 0; i-- {
		parts[i] = make(chan innodb.Part, 1)
		go func() { parts[i] <- c.Look(int64(i*piece), data[i*piece:][:piece]) }()
	}
	for _, p := range parts[1:] {
		c.Add(<-p)
	}
	r, ok := c.Close()
	if want := (innodb.Result{Pages: 256, Damaged: 4, Bad: []int64{1, 17, 100, 255}}); !ok || cmp.Diff(want, r) != "" {
		t.Error(ok, cmp.Diff(want, r))
	}
}

// What a page can look like, and what is to be said about it.
func TestPages(t *testing.T) {
	const size = 16 << 10
	page := func(data []byte, n int) []byte { return data[n*size:][:size] }
	for _, tc := range []struct {
		name  string
		flags uint32
		spoil func(data []byte)
		want  innodb.Result
	}{
		{"all is well", flags16K, func([]byte) {}, innodb.Result{Pages: 8}},
		{"all is well with full_crc32", full16K, func([]byte) {}, innodb.Result{Pages: 8}},
		{"a page that was never used", flags16K, func(d []byte) { clear(page(d, 5)) }, innodb.Result{Pages: 8}},
		{"one that was never used, full_crc32", full16K, func(d []byte) { clear(page(d, 5)) }, innodb.Result{Pages: 8}},
		{"one that is almost empty", flags16K, func(d []byte) { clear(page(d, 5)); page(d, 5)[9000] = 1 }, bad(5)},
		{"no checksum", flags16K, func(d []byte) { stamp(page(d, 2), 0xdeadbeef) }, innodb.Result{Pages: 8}},
		{"no checksum at one end", flags16K, func(d []byte) { binary.BigEndian.PutUint32(page(d, 2), 0xdeadbeef) }, bad(2)},
		{"both ends are wrong", flags16K, func(d []byte) { stamp(page(d, 2), 12345) }, bad(2)},
		{"torn in two", flags16K, func(d []byte) { copy(page(d, 2)[size/2:], page(d, 3)[size/2:]) }, bad(2)},
		{"in the place of another", flags16K, func(d []byte) { copy(page(d, 4), page(d, 6)) }, bad(4)},
		{"in the place of another, full_crc32", full16K, func(d []byte) { copy(page(d, 4), page(d, 6)) }, bad(4)},
		{"of another tablespace, full_crc32", full16K, func(d []byte) {
			binary.BigEndian.PutUint32(page(d, 4)[34:], 8)
			seal(page(d, 4), true)
		}, bad(4)},
		{"encrypted where nothing is", flags16K, func(d []byte) { binary.BigEndian.PutUint16(page(d, 4)[24:], 15) }, bad(4)},
		{"compressed, to nonsense", flags16K, func(d []byte) { binary.BigEndian.PutUint16(page(d, 4)[24:], 14) }, bad(4)},
		{"compressed to more than a page, full_crc32", full16K, func(d []byte) {
			binary.BigEndian.PutUint16(page(d, 4)[24:], 0xffff)
		}, bad(4)},
		{"compressed to nothing, full_crc32", full16K, func(d []byte) { binary.BigEndian.PutUint16(page(d, 4)[24:], 0x8000) }, bad(4)},
		{"never used, but for a type", 1<<13 | flags16K, func(d []byte) { clear(page(d, 5)); page(d, 5)[25] = 16 }, bad(5)},
		{"the first page", flags16K, func(d []byte) { d[9000] ^= 1 }, bad(0)},
		{"flags that no server writes", flags16K, func(d []byte) { binary.BigEndian.PutUint32(d[54:], 0xffffffff) }, bad(0)},
		{"flags of another page size", flags16K, func(d []byte) { binary.BigEndian.PutUint32(d[54:], flags64K) }, bad(0)},
		{"a header that is lost", flags16K, func(d []byte) { clear(d[:512]) }, bad(0)},
		{"all of it", flags16K, func(d []byte) {
			for i := range d {
				d[i] ^= 0x55
			}
		}, bad(0, 1, 2, 3, 4, 5, 6, 7)},
		{"a page that is free, full_crc32", full16K, func(d []byte) {
			page(d, 5)[9000] ^= 1
			d[150+24+5*2/8] |= 1 << (5 * 2 % 8)
			seal(page(d, 0), true)
		}, innodb.Result{Pages: 8}},
		{"a page that is free, MySQL", flags16K, func(d []byte) {
			page(d, 5)[9000] ^= 1
			d[150+24+5*2/8] |= 1 << (5 * 2 % 8)
			seal(page(d, 0), false)
		}, bad(5)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			data := space(8, size, tc.flags)
			tc.spoil(data)
			for _, piece := range []int{0, 5000} {
				if r, ok := check(t, "a/t.ibd", data, piece); !ok || cmp.Diff(tc.want, r) != "" {
					t.Errorf("pieces of %d: %v %s", piece, ok, cmp.Diff(tc.want, r))
				}
			}
		})
	}
}

func bad(pages ...int64) innodb.Result {
	return innodb.Result{Pages: 8, Damaged: int64(len(pages)), Bad: pages}
}

// stamp writes the same checksum at both ends.
func stamp(p []byte, sum uint32) {
	binary.BigEndian.PutUint32(p, sum)
	binary.BigEndian.PutUint32(p[len(p)-8:], sum)
}

func TestPageSizes(t *testing.T) {
	sizes := map[int]uint32{4 << 10: flags4K, 16 << 10: 5 << 6, 64 << 10: flags64K, 32 << 10: 16 | 6, 8 << 10: 16 | 4}
	for size, flags := range sizes {
		data := space(9, size, flags)
		data[7*size+300] ^= 1
		if r, _ := check(t, "t.ibd", data, 0); r.Pages != 9 || !slices.Equal(r.Bad, []int64{7}) {
			t.Errorf("pages of %d: %+v", size, r)
		}
		cut := data[:len(data)-size/2] // as after a crash in the middle of growing
		if r, _ := check(t, "t.ibd", cut, 3333); r.Pages != 9 || !slices.Equal(r.Bad, []int64{7, 8}) {
			t.Errorf("pages of %d, the last one cut: %+v", size, r)
		}
	}
}

// The id of the tablespace is damaged in the first page alone: the others are not held to it.
func TestWrongSpace(t *testing.T) {
	data := space(8, 16<<10, flags16K)
	data[37] ^= 2 // no checksum covers it
	c := innodb.New("t.ibd", int64(len(data)), innodb.Hints{MariaDB: true})
	_, _ = c.Write(data)
	if r, ok := c.Close(); !ok || !slices.Equal(r.Bad, []int64{0}) {
		t.Errorf("%v, %+v", ok, r)
	}
}

// A later file of the system tablespace has no header, and goes on with the numbers.
func TestContinuation(t *testing.T) {
	for _, flags := range []uint32{flags16K, full16K} {
		data := space(80, 16<<10, flags)[48*16<<10:]
		data[20*16<<10+777] ^= 1
		if r, ok := check(t, "ibdata2", data, 0); !ok || r.Pages != 32 || !slices.Equal(r.Bad, []int64{20}) {
			t.Errorf("flags %#x: %+v", flags, r)
		}
	}
}

// Which files are looked at at all.
func TestNames(t *testing.T) {
	table := space(8, 16<<10, flags16K)
	system := bytes.Clone(table)
	for i := range 8 {
		p := system[i*16<<10:][:16<<10]
		binary.BigEndian.PutUint32(p[34:], 0)
		if i == 0 {
			binary.BigEndian.PutUint32(p[38:], 0)
		}
		seal(p, false)
	}
	for name, want := range map[string]bool{
		"a/t.ibd": true, "a/t#p#p0.ibd": true, ".drydock/outside/0001/more.ibu": true, "undo_001": true, "undo002": true,
		"mysql.ibd": true,
		"ibdata1":   true, "#ib_16384_0.dblwr": false, "#ib_16384_0.bdblwr": false, "ibtmp1": false, "#innodb_temp/temp_1.ibt": false,
		"a/t.MYD": false, "binlog.000001": false, "ib_logfile0": false, "undo": false, "ibdata": false, "t.ibd.bak": false,
	} {
		if _, ok := check(t, name, table, 0); ok != want {
			t.Errorf("%s: looked at: %v", name, ok)
		}
	}
	if _, ok := check(t, "anything.dbf", system, 0); !ok {
		t.Error("a system tablespace of another name is not looked at")
	}
	if _, ok := check(t, "anything.dbf", make([]byte, 1<<20), 0); ok {
		t.Error("a file of zeros is taken for a system tablespace")
	}
}

// Holes are zeros that nobody has read.
func TestHoles(t *testing.T) {
	const size = 16 << 10
	data := space(40, size, full16K)
	clear(data[10*size : 30*size])
	data[35*size+99] ^= 1
	want := innodb.Result{Pages: 40, Damaged: 1, Bad: []int64{35}}
	for _, at := range []int{10 * size, 10*size - 0, 12*size + 5} { // the last one is cut within a page
		c := innodb.New("t.ibd", int64(len(data)), innodb.Hints{})
		_, _ = c.Write(data[:at])
		c.Zeros(int64(30*size - at))
		_, _ = c.Write(data[30*size:])
		if r, ok := c.Close(); !ok || cmp.Diff(want, r) != "" {
			t.Errorf("hole from %d: %s", at, cmp.Diff(want, r))
		}
	}
}

// A result names a hundred pages and counts all.
func TestManyDamaged(t *testing.T) {
	data := space(300, 4<<10, flags4K)
	for i := 1; i < 300; i++ {
		data[i*4<<10+1000] ^= 1
	}
	if r, _ := check(t, "t.ibd", data, 0); r.Damaged != 299 || len(r.Bad) != innodb.MaxBad || r.Bad[99] != 100 {
		t.Errorf("%d damaged, %d named", r.Damaged, len(r.Bad))
	}
}

// Whatever a file holds and however it is cut: no panic, and the same result.
func FuzzChecker(f *testing.F) {
	for _, flags := range []uint32{flags4K, flags16K, flags64K, full16K, 16 | 5 | 1<<5, 1<<16 | 1, 1<<13 | 1, 1<<1 | 1, 5<<1 | 1} {
		f.Add(space(3, 4<<10, flags), uint16(1000), "t.ibd")
		f.Add(space(2, 16<<10, flags), uint16(1<<15), "ibdata2")
	}
	f.Add([]byte("x"), uint16(1), "undo_001")
	f.Fuzz(func(t *testing.T, data []byte, piece uint16, name string) {
		if len(data) == 0 {
			return
		}
		whole, ok := check(t, name, data, 0)
		parts, okParts := check(t, name, data, int(piece)+1)
		if ok != okParts || cmp.Diff(whole, parts) != "" {
			t.Errorf("%v, %v: %s", ok, okParts, cmp.Diff(whole, parts))
		}
		possible := max(whole.Damaged, whole.Opaque) <= whole.Pages && int64(len(whole.Bad)) == min(whole.Damaged, innodb.MaxBad)
		if ok && !possible {
			t.Errorf("%+v", whole)
		}
	})
}
