//go:build !unix

package shm

import "errors"

// Create is not available.
func Create(int) (*Region, error) { return nil, errors.ErrUnsupported }

// CreateFile is not available.
func CreateFile(string, int) (*Region, error) { return nil, errors.ErrUnsupported }

// Open is not available.
func Open(string, int) (*Region, error) { return nil, errors.ErrUnsupported }

func (r *Region) unmap() error { return nil }
