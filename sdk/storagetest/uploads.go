package storagetest

import (
	"context"
	"fmt"
	"sync"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func uploads() []testCase {
	return []testCase{
		{"unknown-token", "an upload that does not exist is not found; to abort it is no error", "", unknownToken},
		{"tokens-differ", "two uploads have two tokens, even for one key", "", tokensDiffer},
		{"bad-chunk-size", "an upload with a chunk size below 1 is invalid", "", badChunkSize},
		{"nothing-before-commit", "an upload is not visible before its commit", "", nothingBeforeCommit},
		{"abort", "an aborted upload leaves nothing, and its token is gone", "", abort},
		{"abort-keeps-object", "to abort an upload that was committed does not remove the object", "", abortKeepsObject},
		{"begin-existing", "an upload for a key that exists is refused (R10.3)", "", beginExisting},
		{"no-overwrite", "a commit never replaces an object (R10.3)", "", noOverwrite},
		{"commit-race", "of two commits for one key at the same time one wins (R10.3)", "", commitRace},
		{"commit-missing-chunk", "a commit without all chunks is invalid, and the upload stays open", "", commitMissing},
		{"commit-wrong-size", "a commit with another size is invalid, and the upload stays open", "", commitWrongSize},
		{"commit-short-chunk", "a commit with a short chunk before the last is invalid", "", commitShortChunk},
		{"second-commit", "a second commit of an upload succeeds", "", secondCommit},
		{"put-after-commit", "a chunk that comes after the commit changes nothing", "", putAfterCommit},
		{"many-uploads", "uploads side by side do not disturb each other", "", manyUploads},
	}
}

const noToken = "0123456789abcdef0123456789abcdef"

func unknownToken(e *env) {
	ctx := e.Context()
	for _, token := range []string{noToken, "", "../x", "a/b"} {
		what := fmt.Sprintf(" with the token %q", token)
		_, err := e.ListChunks(ctx, token)
		e.isKind("list chunks"+what, err, errs.NotFound)
		e.isKind("put chunk"+what, e.PutChunk(ctx, token, e.chunk(0, []byte("x"))), errs.NotFound)
		e.isKind("commit"+what, e.Commit(ctx, token, 1), errs.NotFound)
		if err := e.Abort(ctx, token); err != nil {
			e.Errorf("abort%s: %v", what, err)
		}
	}
}

func tokensDiffer(e *env) {
	key := e.prefix + "object"
	if a, b := e.begin(key), e.begin(key); a == b || a == "" {
		e.Errorf("two uploads have the tokens %q and %q", a, b)
	}
}

func badChunkSize(e *env) {
	for _, n := range []int64{0, -1} {
		_, err := e.Begin(e.Context(), storage.Upload{Key: e.prefix + "object", ChunkSize: n})
		e.isKind(fmt.Sprintf("begin with a chunk size of %d", n), err, errs.Invalid)
	}
}

func nothingBeforeCommit(e *env) {
	o := e.object("dir/object", 2*e.s.ChunkSize)
	token := e.begin(o.key)
	e.absent(o.key)
	e.put(token, o.chunks...)
	e.absent(o.key)
	if got := e.keys(e.prefix); len(got) > 0 {
		e.Errorf("an upload is listed: %q", got)
	}
	e.commit(token, len(o.data))
	e.holds(o)
}

func abort(e *env) {
	o := e.object("object", 2*e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	for range 2 {
		if err := e.Abort(e.Context(), token); err != nil {
			e.Fatalf("abort: %v", err)
		}
	}
	e.absent(o.key)
	_, err := e.ListChunks(e.Context(), token)
	e.isKind("list chunks of an aborted upload", err, errs.NotFound)
	e.isKind("put into an aborted upload", e.PutChunk(e.Context(), token, o.chunks[0]), errs.NotFound)
	e.isKind("commit an aborted upload", e.Commit(e.Context(), token, int64(len(o.data))), errs.NotFound)
	e.storeObject(o)
	e.holds(o)
}

func abortKeepsObject(e *env) {
	o := e.object("object", 10)
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	e.commit(token, len(o.data))
	if err := e.Abort(e.Context(), token); err != nil {
		e.Errorf("abort an upload that was committed: %v", err)
	}
	e.holds(o)
}

func beginExisting(e *env) {
	o := e.store("object", 10)
	_, err := e.Begin(e.Context(), storage.Upload{Key: o.key, ChunkSize: e.s.ChunkSize})
	e.isKind("begin an upload for a key that exists", err, errs.Exists)
	e.holds(o)
}

func noOverwrite(e *env) {
	first := e.object("object", 1000)
	second := object{key: first.key, data: random(7, 1000)}
	second.chunks = e.cut(second.data, e.s.ChunkSize)
	token := e.begin(second.key)
	e.put(token, second.chunks...)
	e.storeObject(first)
	for range 2 {
		e.isKind("commit to a key that was taken", e.Commit(e.Context(), token, 1000), errs.Exists)
		e.holds(first)
	}
}

func commitRace(e *env) {
	for round := range 5 {
		var tokens []string
		var all []object
		for i := range 4 {
			o := object{key: fmt.Sprintf("%sround-%d", e.prefix, round), data: random(uint64(round*10+i), 100)}
			o.chunks = e.cut(o.data, e.s.ChunkSize)
			tokens = append(tokens, e.begin(o.key))
			e.put(tokens[i], o.chunks...)
			all = append(all, o)
		}
		var mu sync.Mutex
		var won []object
		var wg sync.WaitGroup
		for i, token := range tokens {
			wg.Go(func() {
				if err := e.Commit(e.Context(), token, 100); err != nil {
					e.isKind("commit to a key that was taken", err, errs.Exists)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				won = append(won, all[i])
			})
		}
		wg.Wait()
		if len(won) != 1 {
			e.Fatalf("%d of 4 commits to one key succeeded; want 1", len(won))
		}
		e.holds(won[0])
	}
}

func commitMissing(e *env) {
	o := e.object("object", 4*e.s.ChunkSize)
	token := e.begin(o.key)
	for _, i := range []int{0, 3, 1} {
		e.isKind("commit before all chunks have arrived", e.Commit(e.Context(), token, int64(len(o.data))), errs.Invalid)
		e.absent(o.key)
		e.put(token, o.chunks[i])
	}
	e.isKind("commit without chunk 2", e.Commit(e.Context(), token, int64(len(o.data))), errs.Invalid)
	e.arrivedAre(token, o.chunks[0], o.chunks[1], o.chunks[3])
	e.put(token, o.chunks[2])
	e.commit(token, len(o.data))
	e.holds(o)
}

func commitWrongSize(e *env) {
	o := e.object("object", 2*e.s.ChunkSize-1)
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	size := int64(len(o.data))
	for _, n := range []int64{0, size - 1, size + 1, e.s.ChunkSize, -1} {
		e.isKind(fmt.Sprintf("commit with size %d for %d", n, size), e.Commit(e.Context(), token, n), errs.Invalid)
		e.absent(o.key)
	}
	e.commit(token, len(o.data))
	e.holds(o)
}

func commitShortChunk(e *env) {
	o := e.object("object", 2*e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, e.chunk(0, o.data[:100]), o.chunks[1])
	e.isKind("commit with a short first chunk", e.Commit(e.Context(), token, 100+e.s.ChunkSize), errs.Invalid)
	e.absent(o.key)
}

func secondCommit(e *env) {
	o := e.object("object", e.s.ChunkSize+1)
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	for range 3 {
		e.commit(token, len(o.data))
		e.holds(o)
	}
	again := e.s.Open(e.T, e.place)
	if err := again.Commit(e.Context(), token, int64(len(o.data))); err != nil {
		e.Errorf("second commit through another handle: %v", err)
	}
}

func putAfterCommit(e *env) {
	o := e.object("object", e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	e.commit(token, len(o.data))
	if err := e.PutChunk(e.Context(), token, e.chunk(0, random(5, e.s.ChunkSize))); err == nil {
		e.Errorf("a chunk after the commit was accepted")
	}
	e.holds(o)
}

func manyUploads(e *env) {
	var wg sync.WaitGroup
	for i := range 6 {
		o := e.object(fmt.Sprintf("dir-%d/object", i%2), 3*e.s.ChunkSize+int64(i))
		o.key += fmt.Sprint("-", i)
		wg.Go(func() {
			if err := upload(e.Context(), e, o); err != nil {
				e.Errorf("upload %d: %v", i, err)
				return
			}
			if got, err := e.Stat(e.Context(), o.key); err != nil || got.Size != int64(len(o.data)) {
				e.Errorf("upload %d: stat %+v, error %v", i, got, err)
			}
		})
	}
	wg.Wait()
}

// upload takes an object the whole way and returns the first error.
func upload(ctx context.Context, e *env, o object) error {
	token, err := e.Begin(ctx, storage.Upload{Key: o.key, ChunkSize: e.s.ChunkSize})
	if err != nil {
		return err
	}
	for _, c := range o.chunks {
		if err := e.PutChunk(ctx, token, c); err != nil {
			return err
		}
	}
	return e.Commit(ctx, token, int64(len(o.data)))
}
