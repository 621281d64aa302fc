package server

import (
	"encoding/hex"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/drydock-backup/drydock/plugins/storage/receiver/wire"
	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

func hexOf(sum [32]byte) string { return hex.EncodeToString(sum[:]) }

func health(c *call) error {
	if c.s.draining.Load() {
		return errs.New(errs.Transient, "the receiver is about to end")
	}
	return sendJSON(c.w, http.StatusOK, wire.Health{Status: "ok"})
}

func check(c *call) error {
	room, err := c.store.Check(c.r.Context())
	if err != nil {
		return err
	}
	used := c.account.used()
	if q := c.terms.Quota; q > 0 {
		left := max(0, q-used)
		if room.Free < 0 || left < room.Free {
			room.Free = left
		}
		room.Total = q
	}
	return sendJSON(c.w, http.StatusOK, wire.Check{
		Client: c.name, Free: room.Free, Total: room.Total, Used: used, AppendOnly: c.terms.AppendOnly,
		RetainSeconds: int64(c.terms.Retain / time.Second), MaxChunk: c.s.config.Load().MaxChunk,
	})
}

func list(c *call) error {
	return c.stream(func(send func(wire.Line) error) error {
		return c.store.List(c.r.Context(), c.r.URL.Query().Get("prefix"), func(o storage.Object) error {
			return send(wire.Line{Object: toWire(o)})
		})
	})
}

func toWire(o storage.Object) *wire.Object {
	return &wire.Object{Key: o.Key, Size: o.Size, Modified: o.Modified.UTC()}
}

func stat(c *call) error {
	o, err := c.store.Stat(c.r.Context(), c.r.URL.Query().Get("key"))
	if err != nil {
		return err
	}
	return sendJSON(c.w, http.StatusOK, toWire(o))
}

// remove deletes an object, unless it is to be kept: whoever has stolen a client's key cannot destroy what is there.
func remove(c *call) error {
	key := c.r.URL.Query().Get("key")
	o, err := c.store.Stat(c.r.Context(), key)
	switch {
	case errs.Is(err, errs.NotFound):
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	case err != nil:
		return err
	case c.terms.AppendOnly:
		return errs.New(errs.Permission, "delete %q: the receiver is append-only for %s", key, c.name)
	}
	if until := c.terms.keeps(o.Modified, time.Now()); !until.IsZero() {
		return errs.New(errs.Permission, "delete %q: the receiver keeps it until %s", key, until.UTC().Format(time.RFC3339))
	}
	if err := c.store.Delete(c.r.Context(), key); err != nil {
		return err
	}
	c.account.deleted(o.Size)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// span reads key, offset and length.
func (c *call) span() (key string, offset, length int64, err error) {
	q := c.r.URL.Query()
	offset, err = wire.ParseNumber("offset", q.Get("offset"), math.MaxInt64)
	if err == nil {
		length, err = wire.ParseNumber("length", q.Get("length"), math.MaxInt64)
	}
	return q.Get("key"), offset, length, err
}

func digest(c *call) error {
	key, offset, length, err := c.span()
	if err != nil {
		return err
	}
	release, err := c.slot()
	if err != nil {
		return err
	}
	defer release()
	return c.stream(func(send func(wire.Line) error) error {
		sum, err := c.store.Digest(c.r.Context(), key, offset, length)
		if err != nil {
			return err
		}
		return send(wire.Line{Digest: &wire.Digest{SHA256: hexOf(sum)}})
	})
}

func content(c *call) error {
	key, offset, length, err := c.span()
	if err != nil {
		return err
	}
	release, err := c.slot()
	if err != nil {
		return err
	}
	defer release()
	out := &reply{call: c, length: length, count: c.s.metrics.sent.WithLabelValues(c.name).Add, stall: c.s.config.Load().StallTimeout}
	err = c.store.ReadRange(c.r.Context(), key, offset, length, out)
	_ = c.w.control.SetWriteDeadline(time.Time{})
	if err == nil && !c.w.begun() {
		out.header()
	}
	return err
}

// reply sends the bytes of an object, at the client's rate, to a client that does not fall asleep.
type reply struct {
	*call
	length int64
	stall  time.Duration
	count  func(float64)
}

func (p *reply) header() {
	p.w.Header().Set("Content-Type", wire.Bytes)
	p.w.Header().Set("Content-Length", strconv.FormatInt(p.length, 10))
	p.w.WriteHeader(http.StatusOK)
}

// Write sends b in pieces.
func (p *reply) Write(b []byte) (int, error) {
	if !p.w.begun() {
		p.header()
	}
	written := 0
	for written < len(b) {
		piece := b[written:min(len(b), written+burst)]
		if limit := p.terms.out; limit != nil {
			if err := limit.WaitN(p.r.Context(), len(piece)); err != nil {
				return written, errs.Wrap(errs.Transient, err, "wait for the client's rate")
			}
		}
		p.w.patient(p.stall)
		n, err := p.w.Write(piece)
		written += n
		p.count(float64(n))
		if err != nil {
			return written, errs.Wrap(errs.Transient, err, "send")
		}
	}
	return written, nil
}
