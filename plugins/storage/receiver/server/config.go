package server

import "time"

// Config is how a server behaves. It may be replaced while the server runs, save for MaxConnections and MaxTransfers.
type Config struct {
	// Policy returns what holds for a client; an error means that there is no place for it.
	Policy func(client string) (Policy, error)

	PartialTTL     time.Duration // uploads that nobody touched for so long are dropped
	StallTimeout   time.Duration // a client that sends or takes nothing for so long is cut off
	MaxChunk       int64         // bytes of the largest chunk
	MaxConnections int           // of all clients together
	MaxTransfers   int           // chunks and reads that are moved at the same time
}

// Policy is what holds for one client.
type Policy struct {
	Dir         string        // its place below the root: relative, slash-separated; fixed while the server runs
	Quota       int64         // bytes of objects and unfinished uploads; 0: no limit
	Rate        int64         // bytes per second in each direction; 0: no limit
	Retain      time.Duration // objects that are younger cannot be deleted
	AppendOnly  bool          // objects cannot be deleted at all
	Transfers   int           // chunks and reads at the same time
	Connections int           // connections at the same time
}
