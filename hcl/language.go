package hcl

import "fmt"

// language is one of the kinds of file that are written in HCL.
type language struct {
	noun    string // how messages call such a file
	example string // how one may begin
	root    *blockSpec
}

func jobLanguage() language {
	return language{noun: "job file", example: jobSpec().example, root: jobSpec()}
}

// block is how messages name a block of the language, or the file itself.
func (l language) block(name string) string {
	if name == l.noun {
		return fmt.Sprintf("the %s itself, outside of any block", name)
	}
	return fmt.Sprintf("the %s block", name)
}
