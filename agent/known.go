package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/drydock-backup/drydock/agent/durable"
	"github.com/drydock-backup/drydock/agent/fault"
	"github.com/drydock-backup/drydock/agent/job"
)

// KnownJob is a job that this host has run, and the file that it came from. It lets `drydock verify BACKUP` do without
// --file.
type KnownJob struct {
	Name string `json:"name"`
	File string `json:"file"`
}

func (a *Agent) knownDir() string { return filepath.Join(a.o.DataDir, "jobs") }

// remember writes down where a job came from.
func (a *Agent) remember(j job.Job) error {
	file, err := filepath.Abs(j.File)
	if err != nil {
		return err
	}
	data, err := json.Marshal(KnownJob{Name: j.Name, File: file})
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(a.knownDir(), 0o700); err != nil {
		return err
	}
	path := filepath.Join(a.knownDir(), url.PathEscape(j.Name)+".json")
	return fault.Around("known.rename", func() error { return durable.WriteFile(path, data, 0o600) })
}

// KnownJob finds a job by its name; "" finds the only one that there is.
func (a *Agent) KnownJob(name string) (KnownJob, error) {
	if name == "" {
		return a.onlyJob()
	}
	known, err := readKnown(filepath.Join(a.knownDir(), url.PathEscape(name)+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return known, fmt.Errorf("job %q has not run here yet: name its file with --file", name)
	}
	return known, err
}

// KnownJobs lists the jobs that have run here, by file name. One that cannot be read is left out: it is a convenience alone.
func (a *Agent) KnownJobs() ([]KnownJob, error) {
	files, err := filepath.Glob(filepath.Join(a.knownDir(), "*.json"))
	if err != nil {
		return nil, err
	}
	var all []KnownJob
	for _, file := range files {
		if k, err := readKnown(file); err == nil {
			all = append(all, k)
		}
	}
	return all, nil
}

func (a *Agent) onlyJob() (KnownJob, error) {
	files, err := filepath.Glob(filepath.Join(a.knownDir(), "*.json"))
	if err != nil {
		return KnownJob{}, err
	}
	switch len(files) {
	case 0:
		return KnownJob{}, errors.New("no job has run here yet: name a job file with --file")
	case 1:
		return readKnown(files[0])
	}
	return KnownJob{}, fmt.Errorf("%d jobs have run here: name one, or its file with --file", len(files))
}

func readKnown(path string) (KnownJob, error) {
	var k KnownJob
	data, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	if err := json.Unmarshal(data, &k); err != nil {
		return k, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}
