package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/server"
	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
)

func FuzzBody(f *testing.F) {
	for _, text := range []string{
		`{"key":"k","chunk_size":4}`, `{"key":"k","chunk_size":4,"x":1}`, `{}`, `null`, `[]`, `{"key":"k"}{}`, `{"KEY":"k"}`,
		"\xff", "", `{"key":"k","key":"l"}`, strings.Repeat("[", 1000),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var b wire.Begin
		err := server.DecodeJSON(text, &b)
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: error %v, want invalid", text, err)
		}
		if err == nil && (!utf8.Valid(text) || !utf8.ValidString(b.Key)) {
			t.Errorf("%q is read as %+v", text, b)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, q := range []string{"key=x", "key=x&key=y", "key=%zz", "key;x", "x=1", "", "&&", "key", "key=%00", "=x"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		err := server.CheckQuery(&http.Request{URL: &url.URL{RawQuery: query}}, []string{"key", "offset"})
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: error %v, want invalid", query, err)
		}
		if err != nil {
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Errorf("%q is accepted: %v", query, err)
		}
		for name, all := range values {
			if name != "key" && name != "offset" || len(all) != 1 {
				t.Errorf("%q is accepted: %v", query, values)
			}
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, path := range []string{
		"/v1/check", "/v1/uploads/x/chunks/0", "/v1/uploads//chunks/", "/v1/../v1/check", "/", "//", "/v1/uploads/%2e%2e/chunks/0",
	} {
		f.Add(path, http.MethodGet)
	}
	f.Fuzz(func(t *testing.T, path, method string) {
		u, err := url.Parse("https://vault" + path)
		if err != nil {
			return
		}
		r := &http.Request{Method: method, URL: u}
		found, err := server.Find(r)
		switch {
		case err != nil && !errs.Is(err, errs.NotFound) && !errs.Is(err, errs.Unsupported):
			t.Errorf("%q: error %v", path, err)
		case err == nil && strings.Count(found, "/") != strings.Count(u.EscapedPath(), "/"):
			t.Errorf("%q is taken for %s", path, found)
		case err == nil && strings.Contains(r.PathValue("token")+r.PathValue("index"), "/"):
			t.Errorf("%q: token %q, index %q", path, r.PathValue("token"), r.PathValue("index"))
		}
	})
}
