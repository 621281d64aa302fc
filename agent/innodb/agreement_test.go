package innodb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/internal/testenv"
	"github.com/drydock-backup/drydock/internal/testenv/install"
)

// pagesEnv makes TestAgreement look at every page size ("all") instead of the usual one, with more damage.
const pagesEnv = "DRYDOCK_PAGES"

// TestAgreement compares with the innochecksum of both servers, on their own files of every format, good and damaged (S2).
func TestAgreement(t *testing.T) {
	sizes, rounds := []int{16 << 10}, 1
	if all() {
		sizes, rounds = []int{4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10}, 5
	}
	testenv.Flavours(t, func(t *testing.T, start func(...testenv.Option) *testenv.Server) {
		for _, size := range sizes {
			t.Run(fmt.Sprintf("%dK", size>>10), func(t *testing.T) {
				options := []testenv.Option{testenv.Keyring(), testenv.With("innodb-file-per-table=ON")}
				if size != 16<<10 {
					options = append(options, testenv.PageSize(size))
				}
				s := start(options...)
				fillFormats(t, s, size)
				s.Stop(t)
				compare(t, s, size, rounds)
			})
		}
	})
}

// all reports whether everything is to be looked at, which takes minutes.
func all() bool { return os.Getenv(pagesEnv) == "all" }

// zipStep makes the sample do with three of the five sizes of compressed pages.
func zipStep() int {
	if all() {
		return 2
	}
	return 4
}

// fillFormats makes a table in every format that the server has, with pages that were used and are free again.
func fillFormats(t *testing.T, s *testenv.Server, page int) {
	formats := map[string]string{"plain": "ROW_FORMAT=DYNAMIC", "redundant": "ROW_FORMAT=REDUNDANT"}
	var setup []string
	zip := func(prefix string) {
		for kb := 1; kb <= 16 && kb<<10 <= page && page <= 16<<10; kb *= zipStep() {
			formats[fmt.Sprintf("%szip%d", prefix, kb)] = fmt.Sprintf("ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=%d", kb)
		}
	}
	setup = append(setup, "CREATE DATABASE f", "USE f", "CREATE TABLE n (n INT PRIMARY KEY)",
		"INSERT INTO n VALUES (0),(1),(2),(3),(4),(5),(6),(7),(8),(9)")
	if s.Product == install.MySQL {
		zip("")
		formats["encrypted"] = "ENCRYPTION='Y'"
		if page > 4<<10 { // a page has to be larger than a block of the file system
			formats["zlib"], formats["lz4"] = "COMPRESSION='zlib'", "COMPRESSION='lz4'"
			formats["twice"] = "COMPRESSION='zlib' ENCRYPTION='Y'"
		}
		setup = append(setup, "CREATE UNDO TABLESPACE more ADD DATAFILE 'more.ibu'", "CREATE TABLESPACE ts ADD DATAFILE 'ts.ibd'")
		formats["general"] = "TABLESPACE ts"
	} else {
		setup = append(setup, "SET GLOBAL innodb_encrypt_tables=OFF")
		formats["packed"], formats["crypt"] = "PAGE_COMPRESSED=1", "ENCRYPTED=YES"
		formats["twice"] = "PAGE_COMPRESSED=1 ENCRYPTED=YES"
	}
	s.Exec(t, append(setup, tables(formats)...)...)
	if s.Product == install.MySQL {
		return
	}
	old := map[string]string{"oldplain": "ROW_FORMAT=COMPACT", "oldpacked": "PAGE_COMPRESSED=1", "oldcrypt": "ENCRYPTED=YES",
		"oldtwice": "PAGE_COMPRESSED=1 ENCRYPTED=YES"}
	clear(formats)
	zip("old")
	for name, format := range formats {
		old[name], old[name+"crypt"] = format, format+" ENCRYPTED=YES"
	}
	s.Exec(t, append([]string{"USE f", "SET GLOBAL innodb_checksum_algorithm=crc32"}, tables(old)...)...)
}

func tables(formats map[string]string) (statements []string) {
	for name, format := range formats {
		statements = append(statements,
			"CREATE TABLE "+name+" (id INT PRIMARY KEY, a VARCHAR(200), b BLOB, KEY (a(50))) "+format,
			"INSERT INTO "+name+" SELECT a.n*100+b.n*10+c.n, SHA2(a.n*100+b.n*10+c.n, 512), REPEAT(UNHEX(SHA2(c.n+b.n*10, 512)), c.n*20) "+
				"FROM n a, n b, n c WHERE a.n < 4",
			"DELETE FROM "+name+" WHERE id BETWEEN 100 AND 300")
	}
	return statements
}

// compare looks at every tablespace of a server that is down.
func compare(t *testing.T, s *testenv.Server, page, rounds int) {
	tool := s.Tool(t, "innochecksum")
	seed := uint64(4711) // the sample flips the same bits each time
	if all() {
		seed = rand.Uint64()
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	var files, damaged int
	var c comparison
	for _, name := range tablespaces(t, s.DataDir) {
		data, err := os.ReadFile(filepath.Join(s.DataDir, name))
		if err != nil {
			t.Fatal(err)
		}
		c = comparison{t: t, tool: tool, product: s.Product, name: name, page: page, file: filepath.Join(t.TempDir(), "x.ibd")}
		c.good = c.agree("good", data)
		files++
		for range rounds {
			c.agree(fmt.Sprintf("cut, seed %d", seed), data[:len(data)-1-rng.IntN(512)])
			c.agree(fmt.Sprintf(pageZero+" flipped, seed %d", seed), flip(data, rng, 0, 1, c.good.physical))
			c.agree(fmt.Sprintf("flipped, seed %d", seed), flip(data, rng, 1, len(data)/c.good.physical, c.good.physical))
			damaged += 3
		}
		old := []string{"plain.ibd", "zip1.ibd", "zip4.ibd", "ibdata1"} // enough to be written with older checksums
		if s.Product == install.MySQL && !c.good.opaque && slices.Contains(old, filepath.Base(name)) {
			for _, algorithm := range []string{"innodb", "none"} {
				c.rewritten(algorithm, data, rng)
			}
		}
	}
	if !t.Failed() {
		t.Logf("%s, pages of %d: %d files as they are, %d damaged ones: the same pages as innochecksum", s.Product, page, files, damaged)
	}
}

// tablespaces lists what innochecksum is for.
func tablespaces(t *testing.T, dir string) (names []string) {
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		base := filepath.Base(path)
		if err == nil && d.Type().IsRegular() && (strings.HasSuffix(base, ".ibd") || strings.HasSuffix(base, ".ibu") ||
			strings.HasPrefix(base, "ibdata") || base == "undo_001" || all() && base == "undo_002") {
			rel, relErr := filepath.Rel(dir, path)
			names, err = append(names, rel), relErr
		}
		return err
	})
	if err != nil || len(names) < 10 {
		t.Fatalf("tablespaces in %s: %v, %v", dir, names, err)
	}
	return names
}

// maxFlips keeps the damaged pages of one file fewer than a result names.
const maxFlips = 80

// flip returns a copy with one bit flipped in a third of the pages from one to another, or in the only one.
func flip(data []byte, rng *rand.Rand, from, to, physical int) []byte {
	data = bytes.Clone(data)
	pages := rng.Perm(to - from)
	for _, p := range pages[:min(maxFlips, (len(pages)+2)/3)] {
		at := (from+p)*physical + rng.IntN(physical)
		if rng.IntN(3) == 0 { // the header is where the rules are
			at = (from+p)*physical + rng.IntN(64)
		}
		data[at] ^= 1 << rng.IntN(8)
	}
	return data
}

// pageZero begins what is said about a file whose first page is damaged.
const pageZero = "page 0"

// comparison is one file and its innochecksum.
type comparison struct {
	t                   *testing.T
	tool                []string
	product, name, file string
	page                int
	good                facts // of the file as it was
}

type facts struct {
	physical int
	opaque   bool           // pages without a checksum that can be computed, or that innochecksum does not get past
	hidden   map[int64]bool // pages that only one of the two looks at
	lenient  map[int64]bool // pages in which innochecksum may miss what the format forbids
}

// agree fails the test when innochecksum finds other pages damaged than this package.
func (c *comparison) agree(what string, data []byte) facts {
	c.t.Helper()
	if err := os.WriteFile(c.file, data, 0o600); err != nil {
		c.t.Fatal(err)
	}
	ours := c.ours(data)
	f := c.facts(data)
	if c.good.hidden == nil { // as it is
		c.good = f
	}
	theirs, stopped := c.theirs()
	hidden := func(n int64) bool { return c.good.hidden[n] }
	ours, theirs = slices.DeleteFunc(ours, hidden), slices.DeleteFunc(theirs, hidden)
	ours = slices.DeleteFunc(ours, func(n int64) bool { return c.good.lenient[n] && !stopped && !slices.Contains(theirs, n) })
	switch {
	case strings.HasPrefix(what, pageZero):
		// What its other pages are is a guess then: only that something is wrong can be compared.
		if (len(ours) > 0) != (stopped || len(theirs) > 0) {
			c.t.Errorf("%s, %s: we find pages %v, innochecksum %v, gives up: %v", c.name, what, ours, theirs, stopped)
		}
	case stopped && len(ours) > 0, !stopped && slices.Equal(ours, theirs):
	case stopped:
		c.t.Errorf("%s, %s: innochecksum gives up, we find nothing", c.name, what)
	default:
		c.t.Errorf("%s, %s: we alone find pages %v, innochecksum alone %v", c.name, what, without(ours, theirs), without(theirs, ours))
	}
	return f
}

func without(pages, known []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(pages), func(n int64) bool { return slices.Contains(known, n) })
}

// ours gives the file to a checker in pieces of odd sizes.
func (c *comparison) ours(data []byte) []int64 {
	check := innodb.New(c.name, int64(len(data)), innodb.Hints{PageSize: c.page, MariaDB: c.product == install.MariaDB})
	for piece := 1; len(data) > 0; piece = piece*3 + 1 {
		n := min(piece, len(data))
		_, _ = check.Write(data[:n])
		data = data[n:]
	}
	r, ok := check.Close()
	if !ok {
		c.t.Fatalf("%s is taken for no tablespace", c.name)
	}
	if int64(len(r.Bad)) != min(r.Damaged, 100) {
		c.t.Fatalf("%s: %d damaged, %d named", c.name, r.Damaged, len(r.Bad))
	}
	return r.Bad
}

var failed = regexp.MustCompile(`(?m)^Fail: page(?:::| )(\d+) invalid`)

// theirs runs innochecksum. stopped: it gave up, so that what it found is not all there is.
func (c *comparison) theirs() (bad []int64, stopped bool) {
	args := append(slices.Clone(c.tool), "--allow-mismatches=1000000")
	if c.product == install.MariaDB {
		args = append(args, "--skip-freed-pages")
	}
	out, err := exec.CommandContext(c.t.Context(), args[0], append(args[1:], c.file)...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	for _, m := range failed.FindAllSubmatch(out, -1) {
		n, err := strconv.ParseInt(string(m[1]), 10, 64)
		if err != nil {
			c.t.Fatal(err)
		}
		bad = append(bad, n)
	}
	return bad, err != nil
}

// facts reads from an intact file how it is made.
func (c *comparison) facts(data []byte) facts {
	flags := binary.BigEndian.Uint32(data[54:])
	f := facts{physical: c.page, hidden: map[int64]bool{}, lenient: map[int64]bool{}}
	if zip := flags >> 1 & 15; flags&16 == 0 && zip != 0 {
		f.physical = 512 << zip
	}
	full, system, extent := flags&16 != 0, binary.BigEndian.Uint32(data[34:]) == 0, max(64, 1<<20/c.page)
	for n := 0; (n+1)*f.physical <= len(data); n++ {
		switch t := binary.BigEndian.Uint16(data[n*f.physical+24:]); t {
		case 15, 16, 17, 34354, 37401:
			f.hidden[int64(n)], f.opaque = !full, true
		case 14:
			// liblz4 follows a distance of 0 into memory that may happen to hold the right bytes
			f.opaque, f.lenient[int64(n)] = true, data[n*f.physical+27] == 2
		}
		if system && n >= extent && n < 3*extent { // the doublewrite buffer: the servers and MySQL's tool leave it out, too
			f.hidden[int64(n)] = true
		}
	}
	return f
}

// rewritten has innochecksum write the checksums of another algorithm.
func (c *comparison) rewritten(algorithm string, data []byte, rng *rand.Rand) {
	c.t.Helper()
	if err := os.WriteFile(c.file, data, 0o600); err != nil {
		c.t.Fatal(err)
	}
	args := append(slices.Clone(c.tool), "--no-check", "--write="+algorithm, c.file)
	if out, err := exec.CommandContext(c.t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
		c.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	changed, err := os.ReadFile(c.file)
	if err != nil || bytes.Equal(changed, data) {
		c.t.Fatalf("%s was not rewritten: %v", c.name, err)
	}
	c.agree("rewritten as "+algorithm, changed)
	if algorithm == "none" {
		return // then only we look at a page's number
	}
	c.agree("rewritten as "+algorithm+" and flipped", flip(changed, rng, 1, len(changed)/c.good.physical, c.good.physical))
}
