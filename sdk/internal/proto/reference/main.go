// Command reference writes the reference of the plugin protocol from the comments of its .proto files. It needs no tool
// besides Go: the files are parsed by a compiler that is a Go library.
//
//	go run ./reference ../../../docs/plugins/protocol.md
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: reference FILE")
		os.Exit(2)
	}
	text, err := render(context.Background(), ".")
	if err == nil {
		err = os.WriteFile(os.Args[1], []byte(text), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}
