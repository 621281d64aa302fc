package step

import (
	"fmt"

	"github.com/drydock-backup/drydock/agent/manifest"
	"github.com/drydock-backup/drydock/sdk/storage"
)

const mib = 1 << 20

// chunks chooses the artifact's chunk size: the job's, or the next larger one that all targets can take. What cannot fit is
// refused here, before the server is stopped. A target that is away has no say; the limits of its like are met by most jobs.
func (p *Preflight) chunks(s *Survey) {
	size, most := p.Backup.Job.Artifact.ChunkSize, mostBytes(s.Inventory.Bytes)
	asked := []limited{{Limits: storage.Limits{MaxChunks: manifest.MaxChunks}, who: "a manifest"}}
	for _, t := range s.Targets {
		if t.Err == nil {
			asked = append(asked, limited{t.Capacity.Limits, fmt.Sprintf("target %q", t.Label)})
		}
	}
	for _, l := range asked {
		if fit := l.fit(size, most); fit > size {
			s.Warnings = append(s.Warnings, fmt.Sprintf("chunk_size is raised from %d to %d bytes: %s", size, fit, l.reason()))
			size = fit
		}
	}
	for _, l := range asked {
		s.refuse(l.judge(size, most))
	}
	p.Backup.Artifact.ChunkSize = size
}

// mostBytes is what an artifact of so many bytes of data can have at the most: data that does not compress, and what the
// zip format adds.
func mostBytes(data int64) int64 { return data + data/256 + 16*mib }

// limited is what somebody can take of one object.
type limited struct {
	storage.Limits
	who string
}

func (l limited) reason() string {
	text := fmt.Sprintf("%s takes at most %d chunks", l.who, l.MaxChunks)
	if l.MinChunk > 0 {
		text += fmt.Sprintf(" of at least %d bytes each", l.MinChunk)
	}
	return text
}

// fit returns the smallest chunk size from size on, in whole MiB when it is not size itself, with which most bytes fit.
func (l limited) fit(size, most int64) int64 {
	need := l.MinChunk
	if l.MaxChunks > 0 {
		need = max(need, (most+l.MaxChunks-1)/l.MaxChunks)
	}
	if need <= size || most <= size {
		return size
	}
	return (need + mib - 1) / mib * mib
}

// judge says why an artifact of most bytes cannot be stored in chunks of size bytes.
func (l limited) judge(size, most int64) error {
	switch {
	case l.MaxObject > 0 && most > l.MaxObject:
		return fmt.Errorf("%s cannot take the artifact: it may have up to %d bytes, an object there %d", l.who, most, l.MaxObject)
	case l.MaxChunk > 0 && min(size, most) > l.MaxChunk:
		return fmt.Errorf("%s cannot take the artifact: it needs chunks of %d bytes, and the largest there has %d: %s",
			l.who, size, l.MaxChunk, "set a smaller chunk_size, or leave the target out")
	case l.MaxChunks > 0 && (most+size-1)/size > l.MaxChunks:
		return fmt.Errorf("chunk_size is too small: the artifact may have %d chunks; %s takes %d", (most+size-1)/size, l.who, l.MaxChunks)
	}
	return nil
}
