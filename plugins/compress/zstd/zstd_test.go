package zstd_test

import (
	"testing"

	"github.com/drydock-backup/drydock/plugins/compress/zstd"
	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/compresstest"
)

func TestConformance(t *testing.T) {
	compresstest.Run(t, compresstest.Subject{Open: func(t compresstest.T) compress.Compressor {
		c, diags, err := zstd.Provider().Open(t.Context(), []byte("{}"))
		if err != nil || len(diags) > 0 {
			t.Fatalf("open: %v, %v", diags, err)
		}
		return c
	}})
}
