//go:build !unix

package drill

func (r *running) asOwner() error { return nil }
