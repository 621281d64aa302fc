package job

import "log/slog"

// redacted stands wherever a secret would be printed.
const redacted = "[redacted]"

// Secret is a string that prints as "[redacted]" wherever it is formatted, logged or encoded. Reveal gives the value.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the value from fmt.
func (s Secret) String() string { return redacted }

// GoString hides the value from fmt's %#v.
func (s Secret) GoString() string { return redacted }

// LogValue hides the value from log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the value from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Config is a provider's configuration as one JSON object, defaults filled in. It may hold secrets, so it prints as
// "[redacted]"; Reveal gives the bytes that go to the plugin's Configure call and nowhere else.
type Config []byte

// Reveal returns the JSON object.
func (c Config) Reveal() []byte { return []byte(c) }

// String hides the value from fmt.
func (c Config) String() string { return redacted }

// GoString hides the value from fmt's %#v.
func (c Config) GoString() string { return redacted }

// LogValue hides the value from log/slog.
func (c Config) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the value from encoders.
func (c Config) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
