package storagetest

import (
	"sync"

	"github.com/drydock-backup/drydock/sdk/conformance"
	"github.com/drydock-backup/drydock/sdk/host"
	"github.com/drydock-backup/drydock/sdk/storage"
)

// Spawned returns a subject that runs each handle in a process of its own, and so can kill it. config makes the
// provider's configuration for a place. The caller adds the hooks that it has.
func Spawned(binary func(t T) conformance.Binary, config func(place string) map[string]any) Subject {
	var processes sync.Map // storage.Storage to *host.Process
	return Subject{
		Open: func(t T, place string) storage.Storage {
			p := conformance.Start(t, binary(t), config(place))
			s, err := p.Storage()
			if err != nil {
				t.Fatalf("storage of the provider: %v", err)
			}
			processes.Store(s, p)
			return s
		},
		Kill: func(t T, s storage.Storage) {
			p, ok := processes.Load(s)
			if !ok {
				t.Fatalf("kill a provider that was not started here")
			}
			conformance.Kill(t, p.(*host.Process))
		},
	}
}
