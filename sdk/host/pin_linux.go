package host

import (
	"os"
	"strconv"
)

// runsDescriptors: a child inherits the pinned file and executes it by its number.
const runsDescriptors = true

// pinnedPath is what the child executes: the file that was opened and digested, which it inherits as descriptor number
// fd. Whatever the file's name means by now does not matter. The descriptor stays open, because the interpreter of a
// script opens it by the same path.
func pinnedPath(_ *os.File, _ Command, fd int, _ string) (string, error) {
	return "/proc/self/fd/" + strconv.Itoa(fd), nil
}
