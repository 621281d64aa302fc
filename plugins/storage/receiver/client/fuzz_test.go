package client_test

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/client"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
)

// A stream is whole only when it says so.
func FuzzStream(f *testing.F) {
	for _, text := range []string{
		"{\"end\":true}\n", "{}\n{\"end\":true}", "{}\n", "", "{\"end\":", "\n\n", "[]", strings.Repeat("x", 70<<10),
		"{\"chunk\":{\"index\":0,\"length\":4,\"sha256\":\"00\"}}\n{\"end\":true}\n",
		"{\"error\":{\"kind\":\"corrupt\",\"message\":\"chunk 1 is damaged\"}}\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := 0
		err := client.ReadLines(strings.NewReader(text), func(l wire.Line) error {
			if lines++; l.End || l.Error != nil || (l == wire.Line{}) {
				t.Errorf("%q: passed on: %+v", text, l)
			}
			return nil
		})
		if err == nil && !strings.Contains(strings.ToLower(text), "end") && !strings.Contains(text, `\u`) {
			t.Errorf("%q is taken for a whole stream", text)
		}
		if text == "" && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("an empty stream: %v", err)
		}
	})
}

// Whatever is kept as a token, it leads nowhere but to an upload.
func FuzzToken(f *testing.F) {
	for _, token := range []string{
		strings.Repeat("0a", 16), strings.Repeat("0A", 16), "..", "", "a/b", "%2e%2e", strings.Repeat("0", 31),
	} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if !client.IsToken(token) {
			return
		}
		u, err := url.Parse("https://vault" + client.PathOf(wire.PathChunk, token, "7"))
		if err != nil || u.Path != "/v1/uploads/"+token+"/chunks/7" || u.RawQuery != "" || len(token) != 32 {
			t.Errorf("%q: %v, %v", token, u, err)
		}
	})
}
