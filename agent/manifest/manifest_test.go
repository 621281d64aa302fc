package manifest_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/agent/innodb"
	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/agent/spool"
)

func sample() *manifest.Manifest {
	return &manifest.Manifest{
		Version: manifest.Version, Pages: &innodb.Totals{Files: 20, Pages: 900, Opaque: 7, Damaged: 3, DamagedFiles: 2},
		Backup: "20260102T023000Z-3f2a", Job: "orders", Key: "db1/orders/20260102T023000Z/Data.zip", Format: manifest.FormatZip,
		Created: time.Date(2026, 1, 2, 2, 30, 0, 0, time.UTC), Finished: time.Date(2026, 1, 2, 2, 41, 7, 500, time.UTC),
		Size: 250, ChunkSize: 100, Chunks: []manifest.Digest{{1}, {2}, {3}}, DataBytes: 4000, Compressor: "zstd",
		Restart: "after-ship", Downtime: 661.4, Drydock: "0.1.0", Plugins: map[string]string{"storage file": "0.1.0"},
		Server: json.RawMessage(`{"version":"9.7.0","server_id":18446744073709551615,"binlog_file":"binlog.000007"}`),
	}
}

func encode(t *testing.T, m *manifest.Manifest) []byte {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// compact makes raw JSON comparable.
var compact = cmp.Transformer("compact", func(r json.RawMessage) string {
	out, err := json.Marshal(r)
	if err != nil {
		return "bad: " + err.Error()
	}
	return string(out)
})

func TestManifestSurvivesTheWay(t *testing.T) {
	empty := sample()
	empty.Size, empty.Chunks, empty.Plugins = 0, []manifest.Digest{}, nil
	exact := sample()
	exact.Size = 300
	first := sample()
	first.Version, first.Pages = 1, nil
	cases := map[string]*manifest.Manifest{"short last chunk": sample(), "empty artifact": empty, "full last chunk": exact,
		"version 1": first}
	for name, m := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := manifest.Parse(encode(t, m))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(m, got, compact); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestChunksComeBackWithTheirLengths(t *testing.T) {
	chunks := []spool.Chunk{{Index: 0, Length: 100, SHA256: [32]byte{1}}, {Index: 1, Length: 100, SHA256: [32]byte{2}},
		{Index: 2, Length: 50, SHA256: [32]byte{3}}}
	if d := cmp.Diff(chunks, sample().SpoolChunks()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(sample().Chunks, manifest.Digests(chunks)); d != "" {
		t.Error(d)
	}
}

// edited returns the sample's JSON with one field replaced, or removed when value is "".
func edited(t testing.TB, field, value string) []byte {
	t.Helper()
	data, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	if m[field] = json.RawMessage(value); value == "" {
		delete(m, field)
	}
	if data, err = json.Marshal(m); err != nil {
		t.Fatal(err)
	}
	return data
}

var badFields = []struct{ name, field, value, want string }{
	{"no version", "version", "", `"version" is missing`},
	{"version zero", "version", "0", "unknown manifest version: 0"},
	{"pages before they were known", "version", "1", "not known to version 1"},
	{"more damaged pages than pages", "pages", `{"files":1,"pages":2,"opaque":0,"damaged":3,"damaged_files":1}`, "do not add up"},
	{"damaged pages in no file", "pages", `{"files":1,"pages":5,"opaque":0,"damaged":3,"damaged_files":0}`, "do not add up"},
	{"negative pages", "pages", `{"files":-1,"pages":2,"opaque":0,"damaged":0,"damaged_files":0}`, "do not add up"},
	{"pages name a file", "pages", `{"files":1,"pages":1,"opaque":0,"damaged":1,"damaged_files":1,"path":"a.ibd"}`, "unknown field"},
	{"version as text", "version", `"1"`, "version"},
	{"no backup", "backup", "", `"backup" is missing`},
	{"no job", "job", "", `"job" is missing`},
	{"no key", "key", "", `"key" is missing`},
	{"no format", "format", "", `"format" is missing`},
	{"no created", "created", "", `"created" is missing`},
	{"no finished", "finished", "", `"finished" is missing`},
	{"no size", "size", "", `"size" is missing`},
	{"no chunk_size", "chunk_size", "", `"chunk_size" is missing`},
	{"no chunks", "chunks", "", `"chunks" is missing`},
	{"no data_bytes", "data_bytes", "", `"data_bytes" is missing`},
	{"no compressor", "compressor", "", `"compressor" is missing`},
	{"no sealed", "sealed", "", `"sealed" is missing`},
	{"no restart", "restart", "", `"restart" is missing`},
	{"no downtime", "downtime_seconds", "", `"downtime_seconds" is missing`},
	{"no drydock", "drydock", "", `"drydock" is missing`},
	{"no server", "server", "", `"server" is missing`},
	{"null size", "size", "null", `"size" is missing`},
	{"null server", "server", "null", `"server" is missing`},
	{"unknown field", "surprise", "1", `unknown field "surprise"`},
	{"empty backup", "backup", `""`, `"backup" is empty`},
	{"long job", "job", `"` + strings.Repeat("x", 300) + `"`, `"job" has 300 bytes`},
	{"control character", "job", `"a\u001b[2J"`, "control characters"},
	{"absolute key", "key", `"/etc/passwd"`, "relative, slash-separated"},
	{"climbing key", "key", `"a/../../b"`, "relative, slash-separated"},
	{"empty key", "key", `""`, "relative, slash-separated"},
	{"other format", "format", `"tar"`, `"zip" was expected`},
	{"sealed", "sealed", "true", "sealed"},
	{"time without zone", "created", `"2026-01-02 02:30"`, "parsing time"},
	{"zero time", "finished", `"0001-01-01T00:00:00Z"`, `"finished" is no time`},
	{"negative size", "size", "-1", `"size" is -1`},
	{"fractional size", "size", "1.5", "size"},
	{"size beyond int64", "size", "9223372036854775808", "size"},
	{"negative data bytes", "data_bytes", "-5", `"data_bytes" is -5`},
	{"chunk size zero", "chunk_size", "0", `"chunk_size" is 0`},
	{"too few digests", "size", "301", "make 4"},
	{"too many digests", "size", "200", "make 2"},
	{"size near the limit", "size", "9223372036854775807", `"chunks" has 3 digests`},
	{"short digest", "chunks", `["abcd"]`, "64 lower-case hex digits"},
	{"upper-case digest", "chunks", `["` + strings.Repeat("AB", 32) + `"]`, "64 lower-case hex digits"},
	{"digest not hex", "chunks", `["` + strings.Repeat("zz", 32) + `"]`, "64 lower-case hex digits"},
	{"negative downtime", "downtime_seconds", "-0.5", `"downtime_seconds" is -0.5`},
	{"server list", "server", "[]", "not a JSON object"},
	{"server names a file", "server", `{"a":[{"pid_file":"/var/lib/mysql/db1.pid"}]}`, `holds a path: "/var/lib/mysql/db1.pid"`},
	{"server names a Windows file", "server", `{"d":"C:\\ProgramData\\MySQL"}`, "holds a path"},
}

func TestBadManifestsAreRefused(t *testing.T) {
	for _, tc := range badFields {
		t.Run(tc.name, func(t *testing.T) {
			m, err := manifest.Parse(edited(t, tc.field, tc.value))
			if err == nil {
				t.Fatalf("accepted as %+v", m)
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not say %q", err, tc.want)
			}
		})
	}
	good := string(encode(t, sample()))
	for name, data := range map[string]string{
		"nothing": "", "no JSON": "hello", "a list": "[]", "cut off": good[:len(good)/2], "two objects": good + good,
		"too large": good + strings.Repeat(" ", manifest.MaxSize), "null": "null",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := manifest.Parse([]byte(data)); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestNewerVersionIsTold(t *testing.T) {
	for text, want := range map[string]manifest.NewerError{
		`{"version": 3, "whatever": {"it": "says"}}`:               {Version: 3},
		`{"version": 4, "backup": "orders-1", "job": "orders"}`:    {Version: 4, Backup: "orders-1", Job: "orders"},
		`{"version": 4, "backup": {"id": 1}, "job": "a\u001b[2J"}`: {Version: 4},
	} {
		_, err := manifest.Parse([]byte(text))
		var newer *manifest.NewerError
		if !errors.Is(err, manifest.ErrVersion) || !errors.As(err, &newer) || *newer != want ||
			!strings.Contains(err.Error(), "this drydock knows 1 to 2") {
			t.Errorf("%s: %v, %+v", text, err, newer)
		}
	}
}

// The MAC of an old backup is over what was claimed then.
func TestClaimsOfTheFirstVersion(t *testing.T) {
	m := sample()
	m.Version, m.Pages = 1, nil
	claims, err := m.Claims()
	if err != nil {
		t.Fatal(err)
	}
	if s := string(claims); !strings.HasPrefix(s, `{"version":1,"backup":`) || strings.Contains(s, "pages") {
		t.Errorf("claims of version 1: %s", s)
	}
	if claims, err = sample().Claims(); err != nil || !strings.HasSuffix(string(claims), `,"pages":{"files":20,"pages":900,"opaque":7,"damaged":3,"damaged_files":2}}`) {
		t.Errorf("claims: %v\n%s", err, claims)
	}
}

// What cannot be read again is not written.
func TestEncodeRefusesBadManifests(t *testing.T) {
	for name, spoil := range map[string]func(*manifest.Manifest){
		"no id":           func(m *manifest.Manifest) { m.Backup = "" },
		"missing digest":  func(m *manifest.Manifest) { m.Chunks = m.Chunks[:2] },
		"path of a file":  func(m *manifest.Manifest) { m.Server = json.RawMessage(`{"datadir":"/var/lib/mysql/"}`) },
		"broken facts":    func(m *manifest.Manifest) { m.Server = json.RawMessage(`{"a":`) },
		"no facts":        func(m *manifest.Manifest) { m.Server = nil },
		"endless":         func(m *manifest.Manifest) { m.Downtime = math.Inf(1) },
		"not a number":    func(m *manifest.Manifest) { m.Downtime = math.NaN() },
		"too many chunks": func(m *manifest.Manifest) { m.Chunks = make([]manifest.Digest, manifest.MaxChunks+1) },
	} {
		t.Run(name, func(t *testing.T) {
			m := sample()
			spoil(m)
			if _, err := m.Encode(); err == nil {
				t.Error("encoded")
			}
		})
	}
}

func TestTheLargestManifestFits(t *testing.T) {
	m := sample()
	m.Chunks = make([]manifest.Digest, manifest.MaxChunks)
	m.ChunkSize = 64 << 20
	m.Size = manifest.MaxChunks * m.ChunkSize
	if _, err := manifest.Parse(encode(t, m)); err != nil {
		t.Error(err)
	}
}

func TestPathsAreTakenOutOfServerFacts(t *testing.T) {
	raw := json.RawMessage(`{"version":"9.7.0","id":18446744073709551615,"data_dir":"/var/lib/mysql/","none":null,
		"outside":["/srv/t1.ibd","kept",null,"D:\\x"],"deep":{"socket":"/run/s.sock","port":3306},"list":[["/a"],{"b":"/c"}]}`)
	got, err := manifest.WithoutPaths(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"deep":{"port":3306},"id":18446744073709551615,"list":[[],{}],"none":null,"outside":["kept",null],"version":"9.7.0"}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	m := sample()
	m.Server = got
	encode(t, m)
}

func FuzzParse(f *testing.F) {
	data, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	for _, tc := range badFields {
		f.Add(edited(f, tc.field, tc.value))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := manifest.Parse(data)
		if err != nil {
			return
		}
		var sum int64
		for _, c := range m.SpoolChunks() {
			sum += c.Length
		}
		if sum != m.Size {
			t.Errorf("chunks make %d bytes of %d", sum, m.Size)
		}
		again, err := manifest.Parse(encode(t, m))
		if err != nil {
			t.Fatalf("its own encoding is refused: %v", err)
		}
		if d := cmp.Diff(m, again, compact); d != "" {
			t.Error(d)
		}
	})
}
