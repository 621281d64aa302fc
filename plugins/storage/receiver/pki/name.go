package pki

import (
	"fmt"
	"strings"
)

// maxName leaves room in a file name for what stands around a client's name.
const maxName = 63

// CheckName refuses what cannot be a client's name: lower case letters, digits, dots, hyphens and underscores, at most 63,
// the first one a letter or a digit. So a name is a safe name for a directory on every system.
func CheckName(name string) error {
	const first, more = "abcdefghijklmnopqrstuvwxyz0123456789", "._-"
	if name == "" || len(name) > maxName || !strings.Contains(first, name[:1]) || strings.Trim(name, first+more) != "" {
		return fmt.Errorf("client name %.80q: 1 to %d lower case letters, digits, dots, hyphens and underscores are allowed, "+
			"a letter or a digit first", name, maxName)
	}
	if strings.HasSuffix(name, ".") {
		return fmt.Errorf("client name %q ends in a dot", name)
	}
	return nil
}
