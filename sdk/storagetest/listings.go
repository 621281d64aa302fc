package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func listings() []testCase {
	return []testCase{
		{"list-empty", "a prefix without objects lists nothing", "", listEmpty},
		{"list-order", "objects are listed in lexical order of their keys", "", listOrder},
		{"list-prefix", "any beginning of a key is a prefix", "", listPrefix},
		{"list-many", "more objects than one page are listed, each once", "", listMany},
		{"list-stops", "an error of the receiver ends a listing and comes back", "", listStops},
		{"list-describes", "a listing says the same as stat", "", listDescribes},
	}
}

func keys() []testCase {
	return []testCase{
		{"odd-keys", "keys with spaces, dots, quotes and letters of all scripts work", "", oddKeys},
		{"bad-keys", "keys that are absolute, empty, or climb are invalid everywhere", "", badKeys},
	}
}

func listEmpty(e *env) {
	if got := e.keys(e.prefix); len(got) != 0 {
		e.Errorf("an empty prefix lists %q", got)
	}
	if got := e.keys(e.prefix + "no/such/directory/"); len(got) != 0 {
		e.Errorf("a missing directory lists %q", got)
	}
}

func (e *env) storeAll(names ...string) []string {
	e.Helper()
	var all []string
	for _, name := range names {
		all = append(all, e.store(name, int64(len(name))).key)
	}
	slices.Sort(all)
	return all
}

func listOrder(e *env) {
	want := e.storeAll("b/c", "a/z", "a.b", "a-b", "a/b/c", "a/b.c", "ab", "B", "a0", "z", "ä", "a/b/a", "a b")
	if got := e.keys(e.prefix); !slices.Equal(got, want) {
		e.Errorf("listed\n%q, want\n%q", got, want)
	}
}

func listPrefix(e *env) {
	all := e.storeAll("db1/2026-01/x", "db1/2026-02/x", "db10/2026-01/x", "db2", "other/db1/x")
	for _, prefix := range []string{"", "db", "db1", "db1/", "db1/2026-0", "db1/2026-01/", "db1/2026-01/x", "db1/2026-01/xy",
		"other/db", "nothing", "db2/"} {
		want := []string{}
		for _, key := range all {
			if strings.HasPrefix(key, e.prefix+prefix) {
				want = append(want, key)
			}
		}
		if got := e.keys(e.prefix + prefix); !slices.Equal(got, want) {
			e.Errorf("prefix %q lists %q; want %q", prefix, got, want)
		}
	}
}

func listMany(e *env) {
	next := make(chan int)
	chunk := e.chunk(0, []byte("x"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range next {
				o := object{key: fmt.Sprintf("%s%d/%05d", e.prefix, i%3, i), data: []byte("x"), chunks: []storage.Chunk{chunk}}
				if err := upload(e.Context(), e, o); err != nil {
					e.Errorf("upload %d: %v", i, err)
				}
			}
		})
	}
	var want []string
	for i := range e.s.Objects {
		next <- i
		want = append(want, fmt.Sprintf("%s%d/%05d", e.prefix, i%3, i))
	}
	close(next)
	wg.Wait()
	slices.Sort(want)
	if got := e.keys(e.prefix); !slices.Equal(got, want) {
		e.Errorf("%d keys are listed, or in another order; want %d", len(got), len(want))
	}
}

func listStops(e *env) {
	e.storeAll("a", "b", "c")
	stop := errors.New("enough")
	var seen int
	err := e.List(e.Context(), e.prefix, func(storage.Object) error {
		if seen++; seen == 2 {
			return stop
		}
		return nil
	})
	if !errors.Is(err, stop) || seen != 2 {
		e.Errorf("listing ended after %d objects with error %v; want 2 and the receiver's error", seen, err)
	}
	ctx, cancel := context.WithCancel(e.Context())
	defer cancel()
	seen = 0
	err = e.List(ctx, e.prefix, func(storage.Object) error { seen++; cancel(); return ctx.Err() })
	if !errs.Is(err, errs.Canceled) || seen != 1 {
		e.Errorf("cancelled listing ended after %d objects with error %v", seen, err)
	}
}

func listDescribes(e *env) {
	e.storeAll("a", "dir/bcd")
	err := e.List(e.Context(), e.prefix, func(o storage.Object) error {
		got, err := e.Stat(e.Context(), o.Key)
		if err != nil {
			return err
		}
		if got.Size != o.Size || !got.Modified.Equal(o.Modified) {
			e.Errorf("listed as %+v, stat says %+v", o, got)
		}
		return nil
	})
	if err != nil {
		e.Errorf("list: %v", err)
	}
}

func oddKeys(e *env) {
	names := []string{
		"with space", " leading and trailing ", "ümläut/ß", "日本語/バックアップ", "emoji-🚢", ".hidden", "dir/.hidden/..x", "a..b",
		"...", "quo'te", `double"quote`, "per%cent%2F", "plus+and&amp;", "q?u=e#s", "semi;colon", "(paren)[br]{c}", "$HOME", "`tick`",
		"tilde~", "-dash", "--", "a=b", "a,b", "a@b", "a!b", "a^b", strings.Repeat("l", 200), strings.Repeat("deep/", 20) + "x",
		"2026-11-22T02:30:00Z/Data.zip", "host.example.com/orders/Data.zip.manifest.json",
	}
	var want []string
	for _, name := range names {
		o := e.store(name, int64(len(name)))
		e.holds(o)
		want = append(want, o.key)
	}
	slices.Sort(want)
	if got := e.keys(e.prefix); !slices.Equal(got, want) {
		e.Errorf("listed %q, want %q", got, want)
	}
	for _, key := range want {
		if err := e.Delete(e.Context(), key); err != nil {
			e.Errorf("delete %q: %v", key, err)
		}
	}
	if got := e.keys(e.prefix); len(got) > 0 {
		e.Errorf("left after deleting everything: %q", got)
	}
}

func badKeys(e *env) {
	ctx := e.Context()
	for _, key := range []string{"", "/", "/abs", "//x", "..", "../x", "a/../b", "a/..", ".", "./a", "a/./b", "a//b", "a/", "a\x00b",
		"a\nb", "../../etc/passwd", "/etc/passwd"} {
		_, err := e.Begin(ctx, storage.Upload{Key: key, ChunkSize: e.s.ChunkSize})
		e.isKind(fmt.Sprintf("begin %q", key), err, errs.Invalid)
		_, err = e.Stat(ctx, key)
		e.isKind(fmt.Sprintf("stat %q", key), err, errs.Invalid)
		e.isKind(fmt.Sprintf("read %q", key), e.ReadRange(ctx, key, 0, 0, &strings.Builder{}), errs.Invalid)
		e.isKind(fmt.Sprintf("delete %q", key), e.Delete(ctx, key), errs.Invalid)
	}
}
