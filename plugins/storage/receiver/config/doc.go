// Package config reads the receiver's configuration: HCL with comments, described in docs/admin/receiver.md.
//
// A file is read whole or not at all, and every mistake comes back with its line and column, so that a server can refuse
// a new configuration and go on with the one it has.
package config
