package s3

import "github.com/drydock-backup/drydock/sdk/cloud"

// checkKey refuses, as errs.Invalid, what cannot be a key, and returns the whole key in the bucket.
func (s *Storage) checkKey(key string) (string, error) {
	return s.cfg.Prefix + key, cloud.CheckKey(s.cfg.Prefix, key)
}
