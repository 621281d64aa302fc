package state

import "github.com/drydock-backup/drydock/agent/spool"

// DecodeRun, DecodeChunk and Decode read values, for fuzzing.
func DecodeRun(data []byte) (Run, error) { return decodeRun(data) }

// DecodeChunk reads the value of a chunk.
func DecodeChunk(key, data []byte) (spool.Chunk, error) { return decodeChunk(key, data) }

// Decode reads any value.
func Decode(data []byte, v any) error { return decode(data, v) }

// Encode writes any value.
func Encode(v any) ([]byte, error) { return encode(v) }
