package enroll

// Secret returns the secret of a token.
func (t Token) Secret() []byte { return t.secret[:] }
