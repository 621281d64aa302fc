// Package proto holds the plugin protocol: the .proto files are the contract, the Go code beside them is generated.
package proto

//go:generate ./generate.sh
