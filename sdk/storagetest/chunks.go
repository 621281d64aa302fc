package storagetest

import (
	"slices"
	"sync"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func sizes() []testCase {
	whole := func(size func(chunk int64) int64) func(e *env) {
		return func(e *env) { e.holds(e.store("object", size(e.s.ChunkSize))) }
	}
	return []testCase{
		{"zero-bytes", "an object without chunks has 0 bytes", "", whole(func(int64) int64 { return 0 })},
		{"one-byte", "an object of one byte comes back", "", whole(func(int64) int64 { return 1 })},
		{"chunk-minus-one", "an object one byte shorter than a chunk comes back", "",
			whole(func(c int64) int64 { return c - 1 })},
		{"one-chunk", "an object of exactly one chunk comes back", "", whole(func(c int64) int64 { return c })},
		{"chunk-plus-one", "an object one byte longer than a chunk comes back", "",
			whole(func(c int64) int64 { return c + 1 })},
		{"many-chunks", "an object of many chunks comes back", "", whole(func(c int64) int64 { return 20*c + c/3 })},
	}
}

func chunks() []testCase {
	return []testCase{
		{"out-of-order", "chunks may arrive in any order (R4.2)", "", outOfOrder},
		{"parallel-chunks", "chunks may arrive side by side", "", parallelChunks},
		{"same-chunk-twice", "a chunk that is sent again replaces itself", "", sameChunkTwice},
		{"same-chunk-at-once", "a chunk that is sent twice at the same time arrives once", "", sameChunkAtOnce},
		{"changed-chunk", "a chunk that is sent again with other bytes replaces the first", "", changedChunk},
		{"wrong-digest", "bytes that do not match the digest are corrupt and not kept (R4.5)", "", wrongDigest},
		{"wrong-digest-again", "a wrong chunk never leaves wrong bytes where a right one was", "", wrongDigestAgain},
		{"short-source", "a source file that ends too early is refused", "", shortSource},
		{"missing-source", "a source file that is not there is refused", "", missingSource},
		{"bad-chunks", "a chunk with an impossible index or length is invalid", "", badChunks},
		{"list-chunks", "chunks that have arrived are listed by index, with length and digest (R5.3)", "", listChunks},
	}
}

func outOfOrder(e *env) {
	o := e.object("object", 6*e.s.ChunkSize+100)
	token := e.begin(o.key)
	for _, i := range []int{6, 0, 3, 5, 1, 4, 2} {
		e.put(token, o.chunks[i])
	}
	e.arrivedAre(token, o.chunks...)
	e.commit(token, len(o.data))
	e.holds(o)
}

func parallelChunks(e *env) {
	o := e.object("object", 23*e.s.ChunkSize+1)
	token := e.begin(o.key)
	next := make(chan storage.Chunk)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for c := range next {
				if err := e.PutChunk(e.Context(), token, c); err != nil {
					e.Errorf("put chunk %d: %v", c.Index, err)
				}
			}
		})
	}
	for _, c := range o.chunks {
		next <- c
	}
	close(next)
	wg.Wait()
	e.commit(token, len(o.data))
	e.holds(o)
}

func sameChunkTwice(e *env) {
	o := e.object("object", 2*e.s.ChunkSize+1)
	token := e.begin(o.key)
	e.put(token, o.chunks...)
	e.put(token, o.chunks[1], o.chunks[2])
	e.arrivedAre(token, o.chunks...)
	e.commit(token, len(o.data))
	e.holds(o)
}

func sameChunkAtOnce(e *env) {
	o := e.object("object", e.s.ChunkSize+1)
	token := e.begin(o.key)
	var wg sync.WaitGroup
	for range 4 {
		for _, c := range o.chunks {
			wg.Go(func() {
				if err := e.PutChunk(e.Context(), token, c); err != nil {
					e.Errorf("put chunk %d: %v", c.Index, err)
				}
			})
		}
	}
	wg.Wait()
	e.arrivedAre(token, o.chunks...)
	e.commit(token, len(o.data))
	e.holds(o)
}

func changedChunk(e *env) {
	o := e.object("object", 2*e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, e.chunk(0, random(99, e.s.ChunkSize)), e.chunk(1, random(98, e.s.ChunkSize/2)))
	e.put(token, o.chunks...)
	e.arrivedAre(token, o.chunks...)
	e.commit(token, len(o.data))
	e.holds(o)
}

// damaged returns a chunk whose file does not hold what its digest says.
func (e *env) damaged(c storage.Chunk) storage.Chunk {
	bad := e.chunk(c.Index, random(12345, c.Length))
	bad.SHA256 = c.SHA256
	return bad
}

func wrongDigest(e *env) {
	o := e.object("object", 2*e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, o.chunks[0])
	e.isKind("put a chunk with a wrong digest", e.PutChunk(e.Context(), token, e.damaged(o.chunks[1])), errs.Corrupt)
	e.arrivedAre(token, o.chunks[0])
	e.isKind("commit without it", e.Commit(e.Context(), token, int64(len(o.data))), errs.Invalid)
	e.put(token, o.chunks[1])
	e.commit(token, len(o.data))
	e.holds(o)
}

func wrongDigestAgain(e *env) {
	o := e.object("object", e.s.ChunkSize)
	token := e.begin(o.key)
	e.put(token, o.chunks[0])
	e.isKind("put a chunk with a wrong digest", e.PutChunk(e.Context(), token, e.damaged(o.chunks[0])), errs.Corrupt)
	if got := e.arrived(token); len(got) > 1 || (len(got) == 1 && got[0].SHA256 != o.chunks[0].SHA256) {
		e.Errorf("after a wrong chunk over a right one: %d chunks listed, with a wrong digest", len(got))
	}
	e.put(token, o.chunks[0])
	e.commit(token, len(o.data))
	e.holds(o)
}

func shortSource(e *env) {
	o := e.object("object", e.s.ChunkSize)
	token := e.begin(o.key)
	c := e.chunk(0, o.data[:len(o.data)-1])
	c.Length++
	e.isKind("put a chunk from a file that is too short", e.PutChunk(e.Context(), token, c), errs.Corrupt, errs.Invalid)
	e.arrivedAre(token)
}

func missingSource(e *env) {
	token := e.begin(e.prefix + "object")
	c := e.chunk(0, []byte("x"))
	c.File += "-that-is-not-there"
	e.isKind("put a chunk without a file", e.PutChunk(e.Context(), token, c), errs.Invalid, errs.Permanent)
	e.arrivedAre(token)
}

func badChunks(e *env) {
	token := e.begin(e.prefix + "object")
	for name, change := range map[string]func(c *storage.Chunk){
		"negative index":         func(c *storage.Chunk) { c.Index = -1 },
		"negative length":        func(c *storage.Chunk) { c.Length = -1 },
		"longer than chunk size": func(c *storage.Chunk) { *c = e.chunk(0, make([]byte, e.s.ChunkSize+1)) },
		"negative offset":        func(c *storage.Chunk) { c.FileOffset = -1 },
	} {
		c := e.chunk(0, []byte("abc"))
		change(&c)
		e.isKind("put a chunk with "+name, e.PutChunk(e.Context(), token, c), errs.Invalid)
	}
	e.arrivedAre(token)
}

func listChunks(e *env) {
	o := e.object("object", 4*e.s.ChunkSize-1)
	token := e.begin(o.key)
	e.arrivedAre(token)
	e.put(token, o.chunks[3], o.chunks[1])
	e.arrivedAre(token, o.chunks[1], o.chunks[3])
	rest := slices.Clone(o.chunks)
	e.put(token, rest[0], rest[2])
	e.arrivedAre(token, o.chunks...)
}
