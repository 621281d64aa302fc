package seal

// PayloadKey is what Tink is given for the chunks of an artifact.
func PayloadKey(a *Artifact) []byte { return a.main }
