// Package manifest is the list of what is in a Data.zip: its last entry, .drydock/manifest.json.
//
// It is one JSON object, `{"drydock":HEADER,"files":[FILE,...]}`, in that order, one file a line, so that both sides
// stream it: neither writing nor reading holds more than one [File]. A [Reader] trusts nothing: every path is checked
// to stay inside, every number to be possible.
package manifest

// Name is the name of the manifest's entry. Everything under [Reserved] is drydock's own.
const (
	Name     = Reserved + "/manifest.json"
	Reserved = ".drydock"
	// Outside holds files that lay outside the data directory, Keyring keyrings that did.
	Outside = Reserved + "/outside"
	Keyring = Reserved + "/keyring"
)

// Version is the version of the format that is written, and the only one that is read.
const Version = 1
