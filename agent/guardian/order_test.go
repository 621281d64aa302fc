package guardian_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/agent/guardian"
)

// good is an order as an agent would write it.
const good = `{"agent":7,"state_dir":"/s","job":"j","run":"r","mysql":{"DataDir":"/d","StopTimeout":1,"StartTimeout":1},` +
	`"pid":5,"written":"2026-03-01T02:30:00Z","silence":1,"password":"hush"}`

func TestParseOrder(t *testing.T) {
	o, err := guardian.ParseOrder([]byte(good))
	if err != nil || o.MySQL.Password.Reveal() != "hush" || o.PID != 5 || o.Silence != time.Duration(1) {
		t.Errorf("%v, %v", o, err)
	}
	if text := fmt.Sprintf("%v %+v %#v", o, o, o); strings.Contains(text, "hush") {
		t.Errorf("the password is printed: %s", text)
	}
	change := func(old, with string) string { return strings.Replace(good, old, with, 1) }
	for name, line := range map[string]string{
		"empty":              "",
		"not JSON":           "hush",
		"cut off":            good[:len(good)-1],
		"unknown field":      change(`"pid"`, `"pit"`),
		"no job":             change(`"job":"j"`, `"job":""`),
		"no run":             change(`"run":"r"`, `"run":""`),
		"relative state":     change(`"/s"`, `"s"`),
		"relative directory": change(`"/d"`, `"d"`),
		"no agent":           change(`"agent":7`, `"agent":0`),
		"process":            change(`"pid":5`, `"pid":-1`),
		"no silence":         change(`"silence":1`, `"silence":0`),
		"deadline":           change(`"silence":1`, `"silence":1,"deadline":-1`),
		"no timeout":         change(`"StopTimeout":1`, `"StopTimeout":0`),
	} {
		if o, err := guardian.ParseOrder([]byte(line)); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, %v", name, o, err)
		}
	}
}

func FuzzParseOrder(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"password":`))
	f.Fuzz(func(t *testing.T, line []byte) {
		o, err := guardian.ParseOrder(line)
		if err == nil && (o.Silence <= 0 || o.Agent <= 0 || o.MySQL.DataDir == "") {
			t.Errorf("accepted: %v", o)
		}
	})
}
