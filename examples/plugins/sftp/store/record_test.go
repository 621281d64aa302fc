package store_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/drydock-backup/drydock/sdk/errs"

	"example.com/drydock-storage-sftp/store"
)

func TestRecords(t *testing.T) {
	first, third := store.Record{Index: 0, Length: 100, SHA256: [32]byte{1}}, store.Record{Index: 2, Length: 1<<63 - 1}
	file := slices.Concat(first.Encode(), make([]byte, store.RecordSize), third.Encode())
	if got := store.DecodeRecords(file); !slices.Equal(got, []store.Record{first, third}) {
		t.Errorf("decoded %v", got)
	}
	line := first.Encode()
	tests := map[string][]byte{
		"cut":            line[:len(line)-1],
		"another digit":  bytes.Replace(line, []byte("100 "), []byte("101 "), 1),
		"another place":  append(make([]byte, store.RecordSize), line...),
		"negative":       bytes.Replace(line, []byte(" 0000"), []byte(" -000"), 1),
		"capitals":       bytes.ToUpper(store.Record{Length: 1, SHA256: [32]byte{0xab}}.Encode()),
		"no line":        bytes.Repeat([]byte("x"), store.RecordSize),
		"half a rewrite": append(line[:50:50], make([]byte, store.RecordSize-50)...),
	}
	for name, b := range tests {
		if got := store.DecodeRecords(b); len(got) > 0 {
			t.Errorf("%s: decoded as %v", name, got)
		}
	}
}

func FuzzRecords(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(store.Record{Length: 5}.Encode())
	f.Add(slices.Concat(make([]byte, store.RecordSize), store.Record{Index: 1, Length: 7, SHA256: [32]byte{9}}.Encode()))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, r := range store.DecodeRecords(file) {
			at := r.Index * store.RecordSize
			if r.Length < 0 || !bytes.Equal(r.Encode(), file[at:at+store.RecordSize]) {
				t.Errorf("%v is not what the file says", r)
			}
		}
	})
}

func FuzzCheckKey(f *testing.F) {
	for _, key := range []string{"", "a/b", "/a", "../a", "a/./b", ".drydock-uploads/x", ".DRYDOCK-uploads", "a\x00", "\xff"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		err := store.CheckKey(key)
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: kind %q", key, errs.KindOf(err))
		}
		for _, element := range strings.Split(key, "/") {
			if err == nil && (element == "" || element == "." || element == "..") {
				t.Errorf("%q is taken for a key", key)
			}
		}
	})
}
