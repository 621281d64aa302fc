package cloud_test

import (
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/sdk/cloud"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Tokens that nobody has made name no upload.
func TestBadTokens(t *testing.T) {
	good := cloud.NewToken("db/Data.zip").String()
	if back, err := cloud.ParseToken(good); err != nil || back.Key != "db/Data.zip" || back.String() != good {
		t.Fatalf("%q: %+v %v", good, back, err)
	}
	for _, text := range []string{"", "-", good + "=", good[1:], strings.ToUpper(good), strings.Replace(good, "-", "_", 1),
		good[:33], good[:33] + "Li4vYQ", "0123456789abcdef0123456789abcdef"} {
		if _, err := cloud.ParseToken(text); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// FuzzToken: what parses is what was written.
func FuzzToken(f *testing.F) {
	f.Add(cloud.NewToken("db/Data.zip").String())
	f.Add("-")
	f.Fuzz(func(t *testing.T, text string) {
		if token, err := cloud.ParseToken(text); err == nil && token.String() != text {
			t.Errorf("%q becomes %q", text, token.String())
		}
	})
}

// Chunks make an object only when none is missing, short, or too many.
func TestComplete(t *testing.T) {
	chunk := func(index int, length int64) storage.ChunkInfo {
		return storage.ChunkInfo{Index: index, Length: length}
	}
	for name, c := range map[string]struct {
		chunks []storage.ChunkInfo
		size   int64
		ok     bool
	}{
		"none":         {nil, 0, true},
		"whole":        {[]storage.ChunkInfo{chunk(0, 10), chunk(1, 3)}, 13, true},
		"missing":      {[]storage.ChunkInfo{chunk(0, 10), chunk(2, 3)}, 13, false},
		"short before": {[]storage.ChunkInfo{chunk(0, 9), chunk(1, 4)}, 13, false},
		"other size":   {[]storage.ChunkInfo{chunk(0, 10), chunk(1, 3)}, 14, false},
	} {
		if err := cloud.Complete(c.chunks, 10, c.size); (err == nil) != c.ok || !c.ok && !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The chunk size of an upload is asked for until it was told once; what ends an upload waits for its chunks, and once it has
// succeeded the size is asked for again.
func TestUploads(t *testing.T) {
	var all cloud.Uploads
	token, asked := cloud.NewToken("db/Data.zip"), 0
	load := func() (int64, error) {
		asked++
		if asked == 1 {
			return 0, errs.New(errs.Transient, "not now")
		}
		return 100, nil
	}
	put := func() error {
		return all.Put(token, load, func(size int64) error {
			if size != 100 {
				t.Errorf("chunk size %d", size)
			}
			return nil
		})
	}
	if err := put(); !errs.Is(err, errs.Transient) {
		t.Errorf("error %v", err)
	}
	for range 3 {
		if err := put(); err != nil {
			t.Error(err)
		}
	}
	inside, ended := make(chan struct{}), make(chan error, 1)
	err := all.Put(token, load, func(int64) error {
		go func() { close(inside); ended <- all.End(token, func() error { return nil }) }()
		<-inside
		select {
		case err := <-ended:
			t.Fatalf("it ended while a chunk was put: %v", err)
		default:
		}
		return nil
	})
	if err != nil || <-ended != nil || asked != 2 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
	if err := all.End(token, func() error { return errs.New(errs.Transient, "not now") }); !errs.Is(err, errs.Transient) {
		t.Errorf("error %v", err)
	}
	if err := put(); err != nil || asked != 3 {
		t.Errorf("after the end: asked %d times, error %v", asked, err)
	}
}

// A message of many lines becomes one of bearable length.
func TestOneLine(t *testing.T) {
	if got := cloud.OneLine("a\n  b\t c"); got != "a b c" {
		t.Errorf("%q", got)
	}
	if got := cloud.OneLine(strings.Repeat("ö", 1000)); len(got) > 410 || !strings.HasSuffix(got, "ö...") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}
