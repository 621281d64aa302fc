package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/drydock-backup/drydock/agent/instance"
	"github.com/drydock-backup/drydock/agent/job"
	"github.com/drydock-backup/drydock/agent/mysql"
	"github.com/drydock-backup/drydock/agent/service"
	"github.com/drydock-backup/drydock/agent/ship"
)

// server is a job's MySQL: the SQL side, and the instance that it is part of.
type server struct {
	*mysql.Server
	*instance.Instance
}

// openServer prepares the parts; nothing is connected yet.
func (a *Agent) openServer(j job.Job) (*server, error) {
	sql, err := mysql.Open(j.MySQL)
	if err != nil {
		return nil, err
	}
	manager, err := service.New(j.MySQL.Service, service.Options{LogDir: a.logDir(), Name: j.Name})
	if err != nil {
		return nil, errors.Join(err, sql.Close())
	}
	return &server{Server: sql, Instance: &instance.Instance{
		Server: sql, Service: manager, DataDir: j.MySQL.DataDir,
		StopTimeout: j.MySQL.StopTimeout, StartTimeout: j.MySQL.StartTimeout, Log: a.o.Log,
	}}, nil
}

// openTargets starts the provider of every target.
func (a *Agent) openTargets(ctx context.Context, j job.Job) ([]ship.Target, error) {
	var targets []ship.Target
	for _, p := range j.Targets {
		t, err := a.openTarget(ctx, p)
		if err != nil {
			return nil, err
		}
		targets = append(targets, t)
	}
	return targets, nil
}

func (a *Agent) openTarget(ctx context.Context, p job.Provider) (ship.Target, error) {
	store, err := a.o.Plugins.Storage(ctx, p)
	if err != nil {
		return ship.Target{}, fmt.Errorf("target %q: %w", p.Label, err)
	}
	return ship.Target{Label: p.Label, Storage: store}, nil
}
