package step

import (
	"runtime"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
)

// History is what earlier runs of a job have shown. Zero values are unknown.
type History struct {
	StopSeconds    float64 // from the request to the free data directory
	StartSeconds   float64 // from the start command to the first answer
	BytesPerSecond float64 // of capture, and of ship where MySQL waits for it; over the bytes of the data directory
	ArtifactBytes  int64   // of the last artifact
}

// Guesses for a first run, on the slow side: a prediction that is kept is worth more than a flattering one.
const (
	guessStop         = 10 * time.Second
	guessStart        = 10 * time.Second
	guessBytesPerCore = 100e6 // per second, zstd at level fastest with digests
	// longest keeps the sum in a Duration when an earlier run hardly moved; nobody plans with more.
	longest = 365 * 24 * time.Hour
)

// Predict estimates how long MySQL will be away for a data directory of so many bytes.
func Predict(h History, bytes int64, restart job.Restart) time.Duration {
	stop, start := seconds(h.StopSeconds, guessStop), seconds(h.StartSeconds, guessStart)
	rate := h.BytesPerSecond
	if rate <= 0 {
		rate = guessBytesPerCore * float64(runtime.NumCPU())
		if restart == job.RestartAfterShip {
			rate /= 2
		}
	}
	copying := min(float64(bytes)/rate, longest.Seconds())
	return (stop + time.Duration(copying*float64(time.Second)) + start).Round(time.Second / 10)
}

func seconds(known float64, guess time.Duration) time.Duration {
	if known <= 0 {
		return guess
	}
	return time.Duration(known * float64(time.Second))
}
