package notify

import (
	"context"
	"io"
	"sync/atomic"

	"google.golang.org/grpc"

	"github.com/drydock-backup/drydock/sdk/errs"
	pb "github.com/drydock-backup/drydock/sdk/internal/proto/drydock/plugin/v1"
	"github.com/drydock-backup/drydock/sdk/internal/wire"
)

// server answers the protocol's notifier call with a Notifier.
type server struct {
	pb.UnimplementedNotifierServer
	impl atomic.Pointer[Notifier] // nil until configured
}

func (s *server) register(r grpc.ServiceRegistrar) { pb.RegisterNotifierServer(r, s) }

// set takes the configured notifier.
func (s *server) set(impl Notifier) { s.impl.Store(&impl) }

func (s *server) close() error {
	if impl := s.impl.Load(); impl != nil {
		if c, ok := (*impl).(io.Closer); ok {
			return c.Close()
		}
	}
	return nil
}

// Send delivers one event.
func (s *server) Send(ctx context.Context, r *pb.SendRequest) (*pb.SendResponse, error) {
	impl := s.impl.Load()
	if impl == nil {
		return nil, errs.New(errs.Invalid, "the provider is not configured")
	}
	e := r.GetEvent()
	return &pb.SendResponse{}, (*impl).Send(ctx, Event{
		ID: e.GetId(), Type: e.GetType(), Severity: Severity(e.GetSeverity()), Time: wire.Time(e.GetTimeUnixNano()),
		Host: e.GetHost(), Job: e.GetJob(), Run: e.GetRun(), Summary: e.GetSummary(), Detail: e.GetDetail(),
		Fields: e.GetFields(),
	})
}
