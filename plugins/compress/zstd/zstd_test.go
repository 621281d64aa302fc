package zstd_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-backup/drydock/plugins/compress/zstd"
	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/compresstest"
	"github.com/drydock-backup/drydock/sdk/conformance"
)

func TestMain(m *testing.M) { conformance.Main(m, func() { compress.Serve(zstd.Provider()) }) }

// open opens the provider as the SDK does, from JSON.
func open(t compresstest.T, config string) compress.Compressor {
	t.Helper()
	c, diags, err := zstd.Provider().Open(t.Context(), []byte(config))
	if err != nil || len(diags) > 0 {
		t.Fatalf("open: %v, %v", diags, err)
	}
	return c
}

func TestConformance(t *testing.T) {
	compresstest.Run(t, compresstest.Subject{Open: func(t compresstest.T) compress.Compressor { return open(t, `{}`) }})
}

func TestConformanceSpawned(t *testing.T) {
	self := func(t compresstest.T) conformance.Binary { return conformance.Self(t, "compress", "zstd") }
	compresstest.Run(t, compresstest.Spawned(self, map[string]any{}))
}

func TestLevels(t *testing.T) {
	frame := compresstest.Pages(1, 64)
	for _, level := range []string{"fastest", "default", "better", "best"} {
		c := open(t, fmt.Sprintf(`{"level": %q}`, level))
		packed, err := c.Compress(nil, frame)
		if err != nil {
			t.Fatalf("%s: %v", level, err)
		}
		got, err := c.Decompress(nil, packed, len(frame))
		if err != nil || !bytes.Equal(got, frame) {
			t.Errorf("%s: %d bytes came back for %d, error %v", level, len(got), len(frame), err)
		}
		if len(packed) > len(frame)/2 || len(packed) > c.Bound(len(frame)) {
			t.Errorf("%s: %d bytes became %d", level, len(frame), len(packed))
		}
	}
}

func TestUnknownLevelPointsAtTheAttribute(t *testing.T) {
	_, diags, err := zstd.Provider().Open(t.Context(), []byte(`{"level": "9"}`))
	if err != nil || len(diags) != 1 {
		t.Fatalf("diagnostics %v, error %v; want one diagnostic", diags, err)
	}
	if diff := cmp.Diff([]string{"level"}, diags[0].Path); diff != "" {
		t.Errorf("path (-want +got):\n%s", diff)
	}
}

// FuzzDecompress: whatever comes in, what comes out has the size that was asked for, or is an error.
func FuzzDecompress(f *testing.F) {
	c := open(f, `{}`)
	for n := 1; n < 40_000; n *= 7 {
		packed, err := c.Compress(nil, compresstest.Pages(uint64(n), 3)[:n])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packed, n)
	}
	f.Add([]byte{}, 0)
	f.Add([]byte("\x00\x00\xff\xff"), 1)
	f.Fuzz(func(t *testing.T, frame []byte, size int) {
		dst := make([]byte, 3, 100)
		got, err := c.Decompress(dst, frame, size)
		if err == nil && len(got) != size+3 {
			t.Errorf("%d bytes instead of %d", len(got)-3, size)
		}
	})
}
