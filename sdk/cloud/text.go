package cloud

import "strings"

// OneLine puts a message of a vendor's SDK, which may have many lines, on one of bearable length.
func OneLine(text string) string {
	const longest = 400 // bytes
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "..."
	}
	return text
}
