// Package compresstest is the conformance suite for compressors: every promise of package compress as a named case.
//
//	func TestConformance(t *testing.T) {
//		compresstest.Run(t, compresstest.Subject{Open: func(t compresstest.T) compress.Compressor { return mine.New() }})
//	}
//
// The cases need no server and no fixture: the InnoDB pages they compress are made by [Pages].
package compresstest

import (
	"testing"

	"github.com/drydock-backup/drydock/sdk/compress"
	"github.com/drydock-backup/drydock/sdk/conformance"
)

// T is what a case needs of its runner; *testing.T is one.
type T = conformance.T

// Subject is the compressor under test.
type Subject struct {
	// Open returns the compressor. It is called once for each case and registers with t.Cleanup what has to be undone.
	Open func(t T) compress.Compressor

	// MaxFrame is the largest frame that Open's compressor is prepared for; 0 means compress.MaxFrame.
	MaxFrame int

	// Process is the compressor's process, whose cases come first (see conformance.Cases); nil leaves them out. Spawned
	// sets it.
	Process *conformance.Provider

	// Memory returns how many bytes the compressor holds (its resident memory, say). nil means that the compressor runs
	// in this process, where the suite counts by itself.
	Memory func(t T) int64
}

// Run runs every case of the suite as a subtest.
func Run(t *testing.T, s Subject) {
	t.Helper()
	conformance.Test(t, Cases(s))
}

// Cases returns the suite for s.
func Cases(s Subject) []conformance.Case {
	if s.MaxFrame == 0 {
		s.MaxFrame = compress.MaxFrame
	}
	var cases []conformance.Case
	if s.Process != nil {
		cases = conformance.Cases(*s.Process)
	}
	for _, c := range list() {
		cases = append(cases, conformance.Case{Name: c.name, Doc: c.doc, Run: func(t T) {
			c.run(&env{T: t, Compressor: s.Open(t), s: s})
		}})
	}
	return cases
}

type testCase struct {
	name, doc string
	run       func(e *env)
}

func list() []testCase {
	return []testCase{
		{"method-and-trailer", "method and trailer are the same in every call, and a caller cannot change them", constant},
		{"empty-frame", "a frame of 0 bytes is refused or comes back", emptyFrame},
		{"tiny-frames", "frames of 1 to 300 bytes come back", tinyFrames},
		{"random-frame", "bytes that cannot be compressed come back", randomFrame},
		{"zero-frame", "zeros come back, and shrink unless the method is stored", zeroFrame},
		{"innodb-frame", "InnoDB pages come back, and shrink unless the method is stored", innodbFrame},
		{"largest-frame", "a frame of the largest size comes back", largestFrame},
		{"frame-too-large", "a frame over the largest size is refused as invalid", frameTooLarge},
		{"bound-holds", "Compress never makes more than Bound(n) bytes of n", boundHolds},
		{"appends-in-place", "results are appended to dst, in its own memory where there is room", appendsInPlace},
		{"input-untouched", "neither call changes its input", inputUntouched},
		{"deterministic", "the same frame gives the same bytes", deterministic},
		{"frames-independent", "frames can be decompressed in any order", framesIndependent},
		{"one-valid-stream", "frames one after the other and the trailer are one stream of the zip method", oneStream},
		{"empty-stream", "the trailer alone is the stream of an empty file", emptyStream},
		{"parallel", "calls from several goroutines at once do not disturb each other", parallel},
		{"garbage", "bytes that are no frame are corrupt", garbage},
		{"flipped-bytes", "a damaged frame never gives another size and never panics", flippedBytes},
		{"truncated", "a frame that is cut off anywhere is corrupt", truncated},
		{"trailing-bytes", "bytes after the end of a frame are corrupt", trailingBytes},
		{"wrong-size", "a frame that gives more or fewer bytes than asked for is corrupt", wrongSize},
		{"works-after-errors", "a bad frame leaves nothing behind for the next call", worksAfterErrors},
		{"bounded-memory", "memory stays flat over many frames, and a bomb is refused cheaply", boundedMemory},
	}
}
