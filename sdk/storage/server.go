package storage

import "google.golang.org/grpc"

type server struct{ impl Storage }

func (s *server) register(grpc.ServiceRegistrar) {}

func (s *server) set(impl Storage) []string { s.impl = impl; return nil }

func (s *server) close() error { return nil }
