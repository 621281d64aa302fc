package testenv_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-backup/drydock/internal/testenv"
)

// victim makes TestReaped the process that is killed.
const victim = "DRYDOCK_TEST_VICTIM"

// Not even SIGKILL to the whole process group of a test leaves a server or a directory behind, whether the test started
// the server or a program under test did.
func TestReaped(t *testing.T) {
	if os.Getenv(victim) != "" {
		beVictim(t)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestReaped$")
	cmd.Env = append(os.Environ(), victim+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var servers []testenv.Server
	if err := json.Unmarshal([]byte(line), &servers); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	for _, s := range servers {
		if !s.Running() {
			t.Errorf("%s does not run", s.DataDir)
		}
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	for _, s := range servers {
		testenv.Eventually(t, 20*time.Second, s.Dir+" and its server are gone", func() bool {
			_, err := os.Stat(s.Dir)
			return os.IsNotExist(err) && !s.Running()
		})
	}
}

// beVictim starts two servers in both ways, tells where they are, and waits for its end.
func beVictim(t *testing.T) {
	started, foreign := testenv.MariaDB(t), testenv.MariaDB(t, testenv.Down())
	argv := foreign.StartCommand()
	if err := exec.Command("setsid", append([]string{"-f"}, argv...)...).Run(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the foreign server runs", foreign.Running)
	var b strings.Builder
	if err := json.NewEncoder(&b).Encode([]*testenv.Server{started, foreign}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString(b.String()); err != nil {
		t.Fatal(err)
	}
	select {}
}
