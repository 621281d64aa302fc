// Package testenv gives tests real database servers.
//
//	s := testenv.MySQL(t)                  // fresh, running, gone when the test ends
//	s.Fill(t, testenv.FillOptions{BigMB: 20})
//	before := s.Checksums(t)
//	s.Stop(t)
//
// Each server has a private data directory (a copy of a template), port and socket, and is up in about a second. It is
// killed and its directory removed at the end of the test: a small process, the reaper, does it as soon as the test
// process closes a pipe or dies, so that not even SIGKILL leaves a server behind.
//
// [Server.StartCommand] starts the same server without any help of the test process; it is what a job's
// service "exec" block names.
//
// A test whose server is not installed fails with the command that installs it; nothing is skipped. Package install
// says where the servers come from. Servers run on Linux only.
package testenv
