package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/spool"
	"github.com/drydock-backup/drydock/agent/state"
	"github.com/drydock-backup/drydock/agent/step"
)

// Plan is what a run would do. Its JSON keys are a contract.
type Plan struct {
	OK               bool            `json:"ok"` // the run would go ahead
	Job              string          `json:"job"`
	Running          bool            `json:"running"`
	PID              int             `json:"pid,omitempty"`
	Product          string          `json:"product,omitempty"`
	Version          string          `json:"version,omitempty"`
	Hostname         string          `json:"hostname,omitempty"`
	Server           json.RawMessage `json:"server,omitempty"` // all that the server told
	DataDir          string          `json:"data_dir"`
	Files            int64           `json:"files"`
	DataBytes        int64           `json:"data_bytes"`
	AllocatedBytes   int64           `json:"allocated_bytes"`
	SpoolDir         string          `json:"spool_dir"`
	SpoolFree        int64           `json:"spool_free"`
	PredictedSeconds float64         `json:"predicted_downtime_seconds"`
	BudgetSeconds    float64         `json:"max_downtime_seconds,omitempty"` // of the job; absent without one
	Key              string          `json:"key"`
	SealedFor        []string        `json:"sealed_for"` // who can open it; empty: it is not encrypted
	Targets          []PlanTarget    `json:"targets"`
	Drill            *PlanDrill      `json:"drill,omitempty"` // absent when the job asks for none
	Steps            []string        `json:"steps"`
	Warnings         []string        `json:"warnings"`
	Refused          []string        `json:"refused"` // why the run would not go ahead
}

// PlanTarget is what a target said.
type PlanTarget struct {
	Label string `json:"target"`
	Type  string `json:"type"`
	Free  int64  `json:"free"` // bytes; -1 when unknown or without limit
	Error string `json:"error,omitempty"`

	Notes []string `json:"notes,omitempty"` // what an admin should know of it and may have meant
}

// Plan looks at everything that a run of the job depends on, and changes nothing.
func (a *Agent) Plan(ctx context.Context, j job.Job) (Plan, error) {
	b, err := a.survey(ctx, j)
	if err != nil {
		return Plan{}, err
	}
	p, err := a.planOf(b)
	if err == nil && j.Verify.Drill > 0 {
		err = a.planDrill(ctx, b, &p)
	}
	return p, err
}

// Connect tries every connection of a job: server, data directory, targets.
func (a *Agent) Connect(ctx context.Context, j job.Job) error {
	b, err := a.survey(ctx, j)
	if err != nil {
		return err
	}
	return b.Survey.Refusal()
}

// survey does what preflight of a run does, without being one.
func (a *Agent) survey(ctx context.Context, j job.Job) (b *step.Backup, err error) {
	r := &running{Agent: a, story: &story{clock: a.now}}
	r.b = newBackup("", j)
	r.b.Started = a.now().UTC()
	if r.b.ID, err = newID(j.Name, r.b.Started); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if r.server, err = a.openServer(j); err != nil {
		return nil, err
	}
	if r.targets, err = a.openTargets(ctx, j); err != nil {
		return nil, err
	}
	known, err := a.knownHistory(ctx, j)
	if err != nil {
		return nil, err
	}
	look := &step.Preflight{Backup: r.b, Instance: r.server.Instance, Server: r.server.Server, Targets: r.targets,
		History: known, HostName: hostName(),
		Scan: r.scan, SpoolFree: func() (int64, error) { return spool.FreeSpace(a.o.SpoolDir) },
		SpoolUsed: r.spoolUsed, QueueLimit: a.o.Queue.MaxBytes,
	}
	return r.b, look.Look(ctx)
}

// knownHistory reads the job's history without taking its lock; a job that has not run yet has none.
func (a *Agent) knownHistory(ctx context.Context, j job.Job) (h step.History, err error) {
	path := state.Path(a.o.DataDir, j.Name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	store, err := state.Look(ctx, path)
	if err != nil {
		return h, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return history(store, j.Restart)
}

func (a *Agent) planOf(b *step.Backup) (Plan, error) {
	s, j := b.Survey, b.Job
	p := Plan{
		OK: len(s.Refused) == 0, Job: j.Name, Running: s.Running, PID: s.PID,
		Product: s.Facts.Product, Version: s.Facts.Version, Hostname: s.Facts.Hostname,
		DataDir: j.MySQL.DataDir, Files: s.Inventory.Files, DataBytes: s.Inventory.Bytes, AllocatedBytes: s.Inventory.Allocated,
		SpoolDir: a.o.SpoolDir, SpoolFree: s.SpoolFree, PredictedSeconds: s.Predicted.Seconds(),
		BudgetSeconds: j.MySQL.MaxDowntime.Seconds(), Key: s.Key, SealedFor: sealedFor(j.Encrypt),
		Targets: []PlanTarget{}, Steps: planSteps(j, s), Warnings: append([]string{}, s.Warnings...), Refused: []string{},
	}
	for _, t := range s.Targets {
		pt := PlanTarget{Label: t.Label, Type: t.Type, Free: t.Capacity.Free, Notes: t.Capacity.Notes}
		if t.Err != nil {
			pt.Error = t.Err.Error()
		}
		p.Targets = append(p.Targets, pt)
	}
	for _, err := range s.Refused {
		p.Refused = append(p.Refused, err.Error())
	}
	if !s.Running {
		return p, nil
	}
	facts, err := json.Marshal(s.Facts)
	p.Server = facts
	return p, err
}

// planSteps says in words what the run would do, in its order.
func planSteps(j job.Job, s step.Survey) []string {
	stop, start := "stop MySQL "+stopWay(j.MySQL.Service), "start MySQL and wait until it answers a query"
	if !s.Running {
		stop, start = "", ""
	}
	capture := fmt.Sprintf("archive %s into Data.zip (%s)", j.MySQL.DataDir, j.Compress.Type)
	ship := fmt.Sprintf("ship it to %d target(s), chunk by chunk while it is being written", len(j.Targets))
	order := []string{stop, capture, ship, start}
	if j.Restart == job.RestartAfterCapture {
		order = []string{stop, capture, start, ship}
	}
	order = append(order, "read the stored copies back, then write their manifests", "delete the local copy")
	var steps []string
	for _, o := range order {
		if o != "" {
			steps = append(steps, o)
		}
	}
	return steps
}

func stopWay(s job.Service) string {
	switch {
	case s.Kind == job.ServiceSystemd:
		return "(systemd unit " + s.Unit + ")"
	case len(s.Stop) > 0:
		return "(" + s.Stop[0] + ")"
	}
	return "(SQL SHUTDOWN)"
}
