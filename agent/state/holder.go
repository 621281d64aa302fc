package state

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/agent/process"
)

// Holder is the process that has a job's file open.
type Holder struct {
	process.ID
	Command string    `json:"command"`       // program and first argument: "drydock run"
	Since   time.Time `json:"since"`         // it has the file
	Run     string    `json:"run,omitempty"` // that it works on; empty when it does something else with the job
	Token   string    `json:"token"`         // names this holding of the lock, and no other one
}

// String names the holder for people.
func (h Holder) String() string { return process.Known(h.PID, h.Command, h.Since) }

// maxHolder is more than the name of any holder takes.
const maxHolder = 64 << 10

func holderPath(path string) string { return path + ".holder" }

// hold makes this process the holder of a file that it has just opened.
func (s *Store) hold() error {
	token := make([]byte, 8)
	if _, err := rand.Read(token); err != nil {
		return fmt.Errorf("name lock holder: %w", err)
	}
	s.holder = Holder{
		ID: process.Self(), Command: process.Command(os.Args), Since: time.Now().UTC().Truncate(time.Second),
		Token: hex.EncodeToString(token),
	}
	return errors.Join(forgetRequests(s.path), writeHolder(s.path, s.holder))
}

// WorkOn tells other processes which run the holder of the file works on, so that it can be named and cancelled.
func (s *Store) WorkOn(run string) error {
	s.holder.Run = run
	return writeHolder(s.path, s.holder)
}

// writeHolder leaves this process's name beside the file. It needs no fsync: it means nothing after a crash.
func writeHolder(path string, h Holder) error {
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
	var h Holder
	f, err := os.Open(holderPath(path))
	if err != nil {
		return h
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxHolder))
	if err != nil || json.Unmarshal(data, &h) != nil || !h.Alive() {
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
