package guardian

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
)

// Order is what a guardian has to know. It prints without the password.
type Order struct {
	Agent    int             `json:"agent"`     // PID of the agent
	StateDir string          `json:"state_dir"` // the agent's own directory
	Job      string          `json:"job"`
	Run      string          `json:"run"`
	MySQL    job.MySQL       `json:"mysql"`
	PID      int             `json:"pid"`                 // of the server that is going to be stopped
	ErrorLog string          `json:"error_log,omitempty"` // the server's
	Settings json.RawMessage `json:"settings,omitempty"`  // what a restart loses
	Written  time.Time       `json:"written"`             // when the intent was written

	// Silence is how long the agent may show no progress; Deadline is how long all may take, 0 without such a bound.
	Silence  time.Duration `json:"silence"`
	Deadline time.Duration `json:"deadline,omitempty"`
}

// maxOrder bounds an order in bytes.
const maxOrder = 16 << 20

// wire is an order on its way, the only place where the password is spelt out.
type wire struct {
	Order
	Password string `json:"password"`
}

// encode returns the order as one line.
func (o Order) encode() ([]byte, error) {
	line, err := json.Marshal(wire{o, o.MySQL.Password.Reveal()})
	if err == nil && len(line) >= maxOrder {
		err = fmt.Errorf("%d bytes", len(line))
	}
	return append(line, '\n'), err
}

// ParseOrder reads an order from its line.
func ParseOrder(line []byte) (Order, error) {
	var w wire
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		return Order{}, errors.New("order: not one that this program has written") // what is wrong could quote a secret
	}
	w.MySQL.Password = job.Secret(w.Password)
	if err := w.check(); err != nil {
		return Order{}, fmt.Errorf("order: %w", err)
	}
	return w.Order, nil
}

func (o Order) check() error {
	switch {
	case o.Job == "" || o.Run == "":
		return errors.New("no job or run")
	case !filepath.IsAbs(o.StateDir) || !filepath.IsAbs(o.MySQL.DataDir):
		return fmt.Errorf("directories %q and %q: absolute paths are needed", o.StateDir, o.MySQL.DataDir)
	case o.Agent <= 0 || o.PID < 0 || o.Silence <= 0 || o.Deadline < 0:
		return fmt.Errorf("agent %d, process %d, silence %s, deadline %s", o.Agent, o.PID, o.Silence, o.Deadline)
	case o.MySQL.StartTimeout <= 0 || o.MySQL.StopTimeout <= 0:
		return fmt.Errorf("timeouts %s and %s", o.MySQL.StartTimeout, o.MySQL.StopTimeout)
	}
	return nil
}

// LogPath is the file that the guardians of a job write to.
func LogPath(stateDir, job string) string { return filepath.Join(stateDir, "log", job+".guardian.log") }

// maxLog is the size in bytes at which a log is begun anew.
const maxLog = 1 << 20

func openLog(path string) (*os.File, error) {
	flags := os.O_CREATE | os.O_APPEND | os.O_WRONLY
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		flags |= os.O_TRUNC
	}
	return os.OpenFile(path, flags, 0o600)
}
