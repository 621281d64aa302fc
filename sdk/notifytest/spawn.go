package notifytest

import (
	"github.com/drydock-backup/drydock/sdk/conformance"
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
