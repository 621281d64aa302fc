package notifytest

import (
	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/notify"
)

// Spawned returns the Open hook of a subject that runs the notifier in a process of its own. config makes its
// configuration for the address of a receiver.
func Spawned(binary func(t T) conformance.Binary, config func(address string) map[string]any) func(T, Receiver) notify.Notifier {
	return func(t T, r Receiver) notify.Notifier {
		n, err := conformance.Start(t, binary(t), config(r.Address())).Notifier()
		if err != nil {
			t.Fatalf("notifier of the provider: %v", err)
		}
		return n
	}
}

// Process returns the Process of a subject: the cases of a notifier's process, with a receiver for each of them. binary and
// config are those of Spawned.
func Process(
	binary func(t T) conformance.Binary, receiver func(t T) Receiver, config func(address string) map[string]any,
) *conformance.Provider {
	return &conformance.Provider{
		Binary: binary,
		Config: func(t T) map[string]any { return config(receiver(t).Address()) },
		Use: func(t T, p *host.Process) error {
			n, err := p.Notifier()
			if err != nil {
				return err
			}
			return n.Send(t.Context(), event("event-1"))
		},
	}
}
