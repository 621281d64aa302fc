package daemon

import (
	"log/slog"
	"sync"

	"github.com/drydock-backup/drydock/agent/job"
)

// book knows the jobs, as they were last read without a mistake.
type book struct {
	log *slog.Logger

	mu    sync.Mutex
	files map[string][]job.Job // by path
	wrong map[string]string    // what was wrong with a file, by path: it is told once
	jobs  map[string]job.Job   // by name
}

// update takes in what was read. A file that has a mistake leaves what was read from it before; one that is gone goes.
func (b *book) update(files []File) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before, told := b.files, b.wrong
	b.files, b.jobs, b.wrong = map[string][]job.Job{}, map[string]job.Job{}, map[string]string{}
	for _, f := range files {
		jobs := f.Jobs
		if f.Err != nil {
			jobs = before[f.Path]
			b.wrong[f.Path] = f.Err.Error()
			if told[f.Path] != b.wrong[f.Path] {
				b.log.Error("a job file has mistakes; what was read from it before stays", "file", f.Path, "jobs", len(jobs), "error", f.Err)
			}
		}
		b.files[f.Path] = jobs
		b.add(f.Path, jobs)
	}
	b.log.Debug("job files read", "files", len(files), "jobs", len(b.jobs))
}

func (b *book) add(path string, jobs []job.Job) {
	for _, j := range jobs {
		if first, taken := b.jobs[j.Name]; taken {
			b.log.Error("two jobs have one name; the first counts", "job", j.Name, "first", first.File, "second", path)
			continue
		}
		b.jobs[j.Name] = j
	}
}

// job returns a job by its name.
func (b *book) job(name string) (job.Job, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	j, ok := b.jobs[name]
	return j, ok
}
