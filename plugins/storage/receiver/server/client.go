package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/drydock-backup/drydock/sdk/errs"
)

// client is one client. It is safe for concurrent use.
type client struct {
	name    string
	store   Store
	terms   atomic.Pointer[terms]
	account account
}

// terms is a policy, with what enforces it.
type terms struct {
	Policy
	in, out   *rate.Limiter // nil: no limit
	transfers *semaphore.Weighted
}

func newTerms(p Policy) *terms {
	return &terms{Policy: p, in: newLimiter(p.Rate), out: newLimiter(p.Rate), transfers: semaphore.NewWeighted(int64(p.Transfers))}
}

func newLimiter(bytes int64) *rate.Limiter {
	if bytes <= 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(bytes), burst)
}

// clients is all clients that have come so far, by name.
type clients struct {
	open func(dir string) (Store, error)

	mu     sync.Mutex
	named  map[string]*client
	stores map[string]Store // by directory
	opened map[string]chan struct{}
}

func newClients(open func(dir string) (Store, error)) *clients {
	return &clients{open: open, named: map[string]*client{}, stores: map[string]Store{}, opened: map[string]chan struct{}{}}
}

// get returns a client, and finds out what it uses when it comes for the first time.
func (c *clients) get(ctx context.Context, name string, policy func(string) (Policy, error)) (*client, error) {
	for {
		c.mu.Lock()
		found, busy := c.named[name], c.opened[name]
		if found == nil && busy == nil {
			busy = make(chan struct{})
			c.opened[name] = busy
			c.mu.Unlock()
			return c.first(ctx, name, policy, busy)
		}
		c.mu.Unlock()
		if found != nil {
			return found, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *clients) first(ctx context.Context, name string, policy func(string) (Policy, error), busy chan struct{}) (*client, error) {
	made, err := c.make(ctx, name, policy)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.opened, name)
	close(busy)
	if err == nil {
		c.named[name] = made
	}
	return made, err
}

func (c *clients) make(ctx context.Context, name string, policy func(string) (Policy, error)) (*client, error) {
	p, err := policy(name)
	if err != nil {
		return nil, errs.Wrap(errs.Permission, err, "no place for the client %s", name)
	}
	store, err := c.storeOf(p.Dir)
	if err != nil {
		return nil, err
	}
	made := &client{name: name, store: store}
	made.terms.Store(newTerms(p))
	return made, made.account.measure(ctx, store)
}

// storeOf returns the one store of a directory.
func (c *clients) storeOf(dir string) (Store, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.stores[dir]; s != nil {
		return s, nil
	}
	s, err := c.open(dir)
	if err == nil {
		c.stores[dir] = s
	}
	return s, err
}

// all returns the clients that have come so far.
func (c *clients) all() []*client {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*client
	for _, one := range c.named {
		all = append(all, one)
	}
	return all
}

// renew gives every client its terms anew. Directories stay what they were.
func (c *clients) renew(policy func(string) (Policy, error)) error {
	var failed error
	for _, one := range c.all() {
		p, err := policy(one.name)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		before := one.terms.Load()
		if p.Dir = before.Dir; p != before.Policy {
			one.terms.Store(newTerms(p))
		}
	}
	return failed
}

func (c *clients) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var failed error
	for _, s := range c.stores {
		failed = errors.Join(failed, s.Close())
	}
	return failed
}

// keeps says until when an object that was stored at a time cannot be deleted; zero when it can.
func (t *terms) keeps(stored, now time.Time) time.Time {
	if until := stored.Add(t.Retain); t.Retain > 0 && until.After(now) {
		return until
	}
	return time.Time{}
}
