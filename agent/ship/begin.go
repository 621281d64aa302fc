package ship

import (
	"context"

	"github.com/drydock-backup/drydock/sdk/errs"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// begin takes up the upload that an earlier process left, or opens a new one.
func (l *lane) begin() error {
	if l.t.Token != "" {
		switch err := l.resume(); {
		case err == nil:
			return nil
		case !errs.Is(err, errs.NotFound):
			return l.errorf("resume upload", err)
		}
	}
	return l.open()
}

// resume asks what the target holds of an earlier upload. An upload that became an object just before the agent died
// is gone, and the object is there: nothing is to be sent then, and Commit has the last word on it.
func (l *lane) resume() error {
	var chunks []storage.ChunkInfo
	err := l.call(l.ctx, "list chunks", l.s.o.Size, func(ctx context.Context) (err error) {
		chunks, err = l.t.Storage.ListChunks(ctx, l.t.Token)
		return err
	})
	if errs.Is(err, errs.NotFound) {
		err = l.call(l.ctx, "stat "+l.s.o.Key, 0, func(ctx context.Context) error {
			_, err := l.t.Storage.Stat(ctx, l.s.o.Key)
			return err
		})
		l.stored = err == nil
		return err
	}
	if err != nil {
		return err
	}
	l.held = make(map[int]storage.ChunkInfo, len(chunks))
	for _, c := range chunks {
		l.held[c.Index] = c
	}
	return nil
}

// open begins a new upload and has its token kept before anything is sent.
func (l *lane) open() error {
	var token string
	up := storage.Upload{Key: l.s.o.Key, ChunkSize: l.s.o.ChunkSize}
	err := l.call(l.ctx, "begin upload", 0, func(ctx context.Context) (err error) {
		token, err = l.t.Storage.Begin(ctx, up)
		return err
	})
	if err != nil {
		return l.errorf("begin upload", err)
	}
	l.s.mu.Lock()
	l.token = token
	l.s.mu.Unlock()
	if err := l.s.journal.begun(l.t.Label, token); err != nil {
		return l.errorf("record the upload", err)
	}
	return nil
}

// abort drops the upload.
func (l *lane) abort(ctx context.Context) error {
	l.s.mu.Lock()
	token, committed := l.token, l.committed || l.stored
	l.s.mu.Unlock()
	if token == "" || committed {
		return nil
	}
	t := l.t
	t.Token = token
	return Abort(ctx, t, l.s.o)
}

// Abort drops the upload that t.Token names, with o's retries. An upload that is gone already is no error.
func Abort(ctx context.Context, t Target, o Options) error {
	o = o.withDefaults()
	err := o.call(ctx, t, "abort upload", 0, func(ctx context.Context) error { return t.Storage.Abort(ctx, t.Token) })
	return targetError(t, "abort upload", err)
}
