// Package seal encrypts artifacts: whoever holds only the sealed bytes can neither read, change, reorder nor cut them
// unnoticed. It is built from two well-kept libraries: age wraps the key, Tink's streaming AEAD seals the bytes.
//
// # The format
//
// docs/formats/sealed.md is the contract; in short:
//
//	header     magic, version, artifact id, chunk size, and the wrapped key, in one of two slots
//	chunk 0    one Tink AES-256-GCM-HKDF ciphertext, segments of 1 MiB
//	chunk 1    ...
//	end        an empty ciphertext, whose associated data say how many chunks came before it
//
// Every artifact has a file key of its own, 32 random bytes. What it is wrapped for (passphrases, age and SSH public
// keys) can be changed by writing the other slot of the header, without touching the data: [Rewrap]. A host that seals
// for public keys alone holds no secret that opens what it has sealed.
//
// [Writer] seals a stream, [Open] gives an [Artifact] that reads any part of the plaintext, each segment proven before a
// byte of it is given out. What was altered is [ErrDamaged]; a key that does not fit is [ErrNoKey].
package seal
