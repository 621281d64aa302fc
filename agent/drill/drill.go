package drill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
)

// Options say what is drilled.
type Options struct {
	Scratch *Scratch // the data are in its Data
	Program string
	Server  Server
	Queries []job.Query
	Start   time.Duration // how long the server may take until it answers
}

// Report is what a drill has found.
type Report struct {
	Tables  int // that were checked
	Queries int // that gave what they should
	Damaged []Damage
}

const maxDamaged = 1000

// Run starts the server, checks every table, runs the queries, and stops it. A server that does not start on the data, or
// dies on them, is a *ServerError; what the server itself finds is in the report. How long it may take is for ctx to say.
func Run(ctx context.Context, o Options) (rep Report, err error) {
	r, err := launch(ctx, o.Scratch.Dir, o.Program, o.Server, o.Start)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, r.stop()) }()
	tables, err := r.tables(ctx)
	if err != nil {
		return rep, r.broken(ctx, "list the tables", err)
	}
	for _, t := range tables {
		name := t[0] + "." + t[1]
		wrong, err := r.check(ctx, t)
		if err != nil {
			return rep, r.broken(ctx, "check table "+name, err)
		}
		rep.Tables++
		rep.damage(name, wrong)
	}
	return rep, r.queries(ctx, o, &rep)
}

func (r *running) queries(ctx context.Context, o Options, rep *Report) error {
	for _, q := range o.Queries {
		wrong, err := r.ask(ctx, q)
		if err != nil {
			return r.broken(ctx, "query "+q.Name, err)
		}
		rep.damage("query "+q.Name, wrong)
		if wrong == "" {
			rep.Queries++
		}
	}
	return nil
}

func (rep *Report) damage(path, reason string) {
	if reason != "" && len(rep.Damaged) < maxDamaged {
		rep.Damaged = append(rep.Damaged, Damage{path, reason})
	}
}

// broken says what is behind an error: the time that is up, a server that has died, or just what it says.
func (r *running) broken(ctx context.Context, doing string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", doing, context.Cause(ctx))
	case r.gone():
		return r.failed(doing, errEnded)
	}
	return fmt.Errorf("%s: %w", doing, err)
}
