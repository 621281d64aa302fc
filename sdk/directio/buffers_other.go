//go:build !linux

package directio

func mapLarge(int) []byte { return nil }

func unmap([]byte) {}

func adviseLarge([]byte) {}
