package agent

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// Latest stands for the newest backup of a job wherever a backup's id is asked for.
const Latest = "latest"

const idTime = "20060102T150405Z"

// newID names a run, and the backup that it makes: <job>-<UTC time>-<random>.
func newID(job string, started time.Time) (string, error) {
	random := make([]byte, 3)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	return job + "-" + started.UTC().Format(idTime) + "-" + hex.EncodeToString(random), nil
}

// JobOf returns the name of the job that a run's or backup's id belongs to; "" when that cannot be told.
func JobOf(id string) string {
	head, _, ok := cutLast(id)
	if !ok {
		return ""
	}
	job, stamp, ok := cutLast(head)
	if _, err := time.Parse(idTime, stamp); !ok || err != nil {
		return ""
	}
	return job
}

func cutLast(s string) (head, tail string, ok bool) {
	i := strings.LastIndexByte(s, '-')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
