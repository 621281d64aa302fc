package compress

import "google.golang.org/grpc"

type server struct{ impl Compressor }

func (s *server) register(grpc.ServiceRegistrar) {}

func (s *server) set(impl Compressor) []string { s.impl = impl; return nil }

func (s *server) close() error { return nil }
