package storagetest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// undo takes back what a test set-up did to the bytes.
func undo(data []byte) []byte {
	data = slices.Clone(data)
	if len(data) > 0 {
		data[0] ^= 1
	}
	return data
}

func (m *memory) object(ctx context.Context, key string) (*object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.objects[key]
	if o == nil && m.breaks("read-missing") {
		o = &object{data: []byte("x")}
	}
	if o == nil {
		return nil, errs.New(errs.NotFound, "%q", key)
	}
	return o, nil
}

func (m *memory) part(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	o, err := m.object(ctx, key)
	if err != nil {
		return nil, err
	}
	size := int64(len(o.data))
	if offset < 0 || length < 0 || offset > size || length > size-offset {
		if !m.breaks("range-past-end") {
			return nil, errs.New(errs.Invalid, "range")
		}
		return nil, nil
	}
	if m.breaks("ranged-reads") {
		return o.data, nil
	}
	return o.data[offset : offset+length], nil
}

func (m *memory) ReadRange(ctx context.Context, key string, offset, length int64, w io.Writer) error {
	data, err := m.part(ctx, key, offset, length)
	if err != nil {
		return err
	}
	if _, err = io.Copy(w, bytes.NewReader(data)); m.breaks("read-writer-error") {
		return nil
	}
	return err
}

func (m *memory) Digest(ctx context.Context, key string, offset, length int64) ([32]byte, error) {
	data, err := m.part(ctx, key, offset, length)
	if m.breaks("digest") {
		data = nil
	}
	if m.breaks("digest-tampered") {
		data = undo(data)
	}
	return sha256.Sum256(data), err
}

func (m *memory) Stat(ctx context.Context, key string) (storage.Object, error) {
	o, err := m.object(ctx, key)
	if err != nil {
		return storage.Object{}, err
	}
	if m.breaks("stat") {
		return storage.Object{Key: key, Size: int64(len(o.data)), Modified: time.Unix(0, 0)}, nil
	}
	if m.breaks("list-describes") {
		return storage.Object{Key: key, Size: int64(len(o.data)), Modified: time.Now()}, nil
	}
	return storage.Object{Key: key, Size: int64(len(o.data)), Modified: o.modified, Hold: o.hold}, nil
}

func (m *memory) Holds() bool { return true }

func (m *memory) Hold(ctx context.Context, key string, h storage.Hold) error {
	o, err := m.object(ctx, key)
	if err != nil && !m.breaks("hold-missing") {
		return err
	}
	if err != nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if h.Until.Before(o.hold.Until) && !m.breaks("hold-not-earlier") {
		return errs.New(errs.Permission, "held until %s", o.hold.Until)
	}
	if !m.breaks("hold") {
		o.hold = h
	}
	return nil
}

func (m *memory) List(ctx context.Context, prefix string, yield func(storage.Object) error) error {
	m.mu.Lock()
	var found []storage.Object
	for key, o := range m.objects {
		if m.breaks("list-prefix") && prefix[len(prefix)-1] != '/' {
			break
		}
		if strings.HasPrefix(key, prefix) {
			found = append(found, storage.Object{Key: key, Size: int64(len(o.data)), Modified: o.modified})
		}
	}
	m.mu.Unlock()
	slices.SortFunc(found, func(a, b storage.Object) int {
		if m.breaks("list-order") {
			return strings.Compare(strings.ReplaceAll(a.Key, "/", "\x00"), strings.ReplaceAll(b.Key, "/", "\x00"))
		}
		return strings.Compare(a.Key, b.Key)
	})
	if m.breaks("list-many") {
		found = found[:min(len(found), 20)]
	}
	if m.breaks("list-empty") {
		found = append(found, storage.Object{Key: prefix + "ghost"})
	}
	for _, o := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := yield(o); err != nil && !m.breaks("list-stops") {
			return err
		}
	}
	return ctx.Err()
}

func (m *memory) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := checkKey(key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects[key] == nil && m.breaks("delete-missing") {
		return errs.New(errs.NotFound, "%q", key)
	}
	if o := m.objects[key]; o != nil && o.hold.Active(time.Now()) && !m.breaks("hold-no-delete") {
		return errs.New(errs.Permission, "%q is held", key)
	}
	if !m.breaks("delete") {
		delete(m.objects, key)
	}
	return nil
}

func (m *memory) Check(context.Context) (storage.Capacity, error) {
	if m.breaks("check") {
		return storage.Capacity{Free: 2, Total: 1}, nil
	}
	return storage.Capacity{Free: m.room, Total: -1}, nil
}
