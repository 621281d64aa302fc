package process

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ID names one process of this host. The zero value names none.
type ID struct {
	PID   int    `json:"pid"`
	Start string `json:"start,omitempty"` // opaque: when it started, and in which boot; empty where that cannot be told
}

// Self names this process.
func Self() ID { return Of(os.Getpid()) }

// Of names the process that has an id now; the zero value when there is none.
func Of(pid int) ID {
	if pid <= 0 || !exists(pid) {
		return ID{}
	}
	return ID{PID: pid, Start: start(pid)}
}

// Alive reports whether the process still runs. Another one that got its number, and one that waits to be reaped, do
// not count.
func (id ID) Alive() bool {
	now := Of(id.PID)
	return now.PID != 0 && (id.Start == "" || now.Start == "" || now.Start == id.Start)
}

// Command shortens an argument vector to what tells people which command it is: program and first argument.
func Command(args []string) string {
	if len(args) == 0 {
		return ""
	}
	name := filepath.Base(args[0])
	if len(args) > 1 {
		name += " " + args[1]
	}
	return name
}

// Describe names a process for people: its id, and where the host tells them its command and since when it runs.
func Describe(pid int) string {
	text := fmt.Sprintf("process %d", pid)
	if c := Command(arguments(pid)); c != "" {
		text += fmt.Sprintf(" (%s)", c)
	}
	if since := since(pid); !since.IsZero() {
		text += " since " + since.Format(TimeLayout)
	}
	return text
}

// TimeLayout is how messages show the moment since when a process does something.
const TimeLayout = "2006-01-02 15:04:05 MST"

// Known returns what names a holder of a lock for people: process, command, and since when it has the lock.
func Known(pid int, command string, since time.Time) string {
	return fmt.Sprintf("process %d (%s) since %s", pid, command, since.Format(TimeLayout))
}
