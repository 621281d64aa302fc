package server

import (
	"net/http"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/schema"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func begin(c *call) error {
	var b wire.Begin
	if err := readJSON(c, &b); err != nil {
		return err
	}
	if most := c.s.config.Load().MaxChunk; b.ChunkSize > most {
		return errs.New(errs.Invalid, "chunk size %d is more than %s", b.ChunkSize, schema.FormatSize(most))
	}
	token, err := c.store.Begin(c.r.Context(), storage.Upload{Key: b.Key, ChunkSize: b.ChunkSize})
	if err != nil {
		return err
	}
	c.account.begin(token, b.ChunkSize)
	return sendJSON(c.w, http.StatusCreated, wire.Begun{Token: token})
}

// putChunk looks at everything that can be wrong before it asks for the first byte.
func putChunk(c *call) error {
	chunk, err := c.chunk()
	if err != nil {
		return err
	}
	token := c.r.PathValue("token")
	if err := c.account.reserve(token, int64(chunk.Index), chunk.Length, c.terms.Quota); err != nil {
		return err
	}
	release, err := c.slot()
	if err != nil {
		return err
	}
	defer release()
	body := newBytesOf(c)
	err = c.store.PutFrom(c.r.Context(), token, chunk, body)
	body.done()
	if err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// chunk reads what the request says of its chunk.
func (c *call) chunk() (storage.Chunk, error) {
	index, err := wire.ParseNumber("chunk index", c.r.PathValue("index"), wire.MaxIndex)
	if err != nil {
		return storage.Chunk{}, err
	}
	values := c.r.Header.Values(wire.HeaderDigest)
	if len(values) != 1 {
		return storage.Chunk{}, errs.New(errs.Invalid, "one header %s is needed", wire.HeaderDigest)
	}
	sum, err := wire.ParseDigest(values[0])
	if err != nil {
		return storage.Chunk{}, err
	}
	if c.r.ContentLength < 0 {
		return storage.Chunk{}, errs.New(errs.Invalid, "a header Content-Length is needed")
	}
	if c.r.Header.Get("Content-Encoding") != "" {
		return storage.Chunk{}, errs.New(errs.Invalid, "a chunk has no content encoding")
	}
	return storage.Chunk{Index: int(index), Length: c.r.ContentLength, SHA256: sum}, nil
}

func listChunks(c *call) error {
	release, err := c.slot()
	if err != nil {
		return err
	}
	defer release()
	return c.stream(func(send func(wire.Line) error) error {
		return c.store.EachChunk(c.r.Context(), c.r.PathValue("token"), func(i storage.ChunkInfo) error {
			return send(wire.Line{Chunk: &wire.Chunk{Index: int64(i.Index), Length: i.Length, SHA256: hexOf(i.SHA256)}})
		})
	})
}

func commit(c *call) error {
	var b wire.Commit
	if err := readJSON(c, &b); err != nil {
		return err
	}
	token := c.r.PathValue("token")
	release, err := c.slot() // chunks that an earlier process has taken are read again
	if err != nil {
		return err
	}
	defer release()
	return c.stream(func(func(wire.Line) error) error {
		if err := c.store.Commit(c.r.Context(), token, b.Size); err != nil {
			return err
		}
		c.account.committed(token, b.Size)
		c.s.metrics.commits.WithLabelValues(c.name).Inc()
		return nil
	})
}

func abort(c *call) error {
	token := c.r.PathValue("token")
	if err := c.store.Abort(c.r.Context(), token); err != nil {
		return err
	}
	c.account.dropped(token)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
