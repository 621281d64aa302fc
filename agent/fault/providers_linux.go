//go:build faults

package fault

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// killProviders kills every provider that this process has started.
func killProviders() {
	lists, _ := filepath.Glob("/proc/self/task/*/children") // the pattern is well formed
	for _, path := range lists {
		children, _ := os.ReadFile(path) // of a thread that has ended meanwhile: it has none
		for _, field := range strings.Fields(string(children)) {
			args, err := os.ReadFile("/proc/" + field + "/cmdline")
			if pid, bad := strconv.Atoi(field); bad == nil && err == nil && bytes.Contains(args, []byte("plugin\x00serve")) {
				_ = syscall.Kill(pid, syscall.SIGKILL) // gone already is as good
			}
		}
	}
}
