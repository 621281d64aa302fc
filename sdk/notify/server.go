package notify

import "google.golang.org/grpc"

type server struct{ impl Notifier }

func (s *server) register(grpc.ServiceRegistrar) {}

func (s *server) set(impl Notifier) []string { s.impl = impl; return nil }

func (s *server) close() error { return nil }
