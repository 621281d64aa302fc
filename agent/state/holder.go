package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Holder is the process that has a job's file open.
type Holder struct {
	PID     int       `json:"pid"`
	Command string    `json:"command"` // program and first argument: "drydock run"
	Since   time.Time `json:"since"`
}

func holderPath(path string) string { return path + ".holder" }

// writeHolder leaves this process's name beside the file. It needs no fsync: it means nothing after a crash.
func writeHolder(path string) error {
	h := Holder{PID: os.Getpid(), Command: filepath.Base(os.Args[0]), Since: time.Now().UTC().Truncate(time.Second)}
	if len(os.Args) > 1 {
		h.Command += " " + os.Args[1]
	}
	data, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode lock holder: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".holder-*")
	if err != nil {
		return fmt.Errorf("write lock holder: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), holderPath(path))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write lock holder: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// HolderOf returns the process that holds a job's file, zero when nobody does or it cannot be told. A name that a dead
// process left behind is not returned.
func HolderOf(path string) Holder {
	data, err := os.ReadFile(holderPath(path))
	var h Holder
	if err != nil || json.Unmarshal(data, &h) != nil || !alive(h.PID) {
		return Holder{}
	}
	return h
}

func removeHolder(path string) error {
	if err := os.Remove(holderPath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove lock holder: %w", err)
	}
	return nil
}
