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
