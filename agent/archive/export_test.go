package archive

import "context"

// Verify opens an artifact and verifies it; see [Reader.Verify].
func Verify(ctx context.Context, src Source, f Frames, o VerifyOptions) (Report, error) {
	r, err := Open(ctx, src)
	if err != nil {
		return Report{}, err
	}
	return r.Verify(ctx, f, o)
}

// Restore opens an artifact and restores it; see [Reader.Restore].
func Restore(ctx context.Context, src Source, f Frames, o RestoreOptions) (Summary, error) {
	r, err := Open(ctx, src)
	if err != nil {
		return Summary{}, err
	}
	return r.Restore(ctx, f, o)
}
