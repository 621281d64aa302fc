package host

import (
	"context"

	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// notifier is a notifier in another process.
type notifier struct {
	process *Process
	rpc     pb.NotifierClient
}

// Send delivers one event.
func (n *notifier) Send(ctx context.Context, e notify.Event) error {
	_, err := n.rpc.Send(ctx, &pb.SendRequest{Event: &pb.Event{
		Id: e.ID, Type: e.Type, Severity: string(e.Severity), TimeUnixNano: wire.UnixNano(e.Time), Host: e.Host, Job: e.Job,
		Run: e.Run, Summary: e.Summary, Detail: e.Detail, Fields: e.Fields,
	}})
	return n.process.callError(ctx, err)
}
