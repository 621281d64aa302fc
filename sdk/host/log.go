package host

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// logger is go-plugin's logger. The named loggers that go-plugin derives carry the provider's own lines, which go to slog
// with their level; what go-plugin says about itself is dropped, since Process reports what matters.
type logger struct {
	to    *slog.Logger
	hide  func(string) string
	lines bool // this logger carries the provider's lines
}

func newLogger(to *slog.Logger, hide func(string) string) hclog.Logger {
	return &logger{to: to, hide: hide}
}

// Log writes one line.
func (l *logger) Log(level hclog.Level, msg string, args ...any) {
	if !l.lines {
		return
	}
	attrs := make([]any, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok || name == "timestamp" {
			continue // slog has its own
		}
		attrs = append(attrs, name, l.value(args[i+1]))
	}
	l.to.Log(context.Background(), slogLevel(level), l.hide(msg), attrs...)
}

// value hides secrets in what came with a line. Numbers and the like are passed on as they are.
func (l *logger) value(v any) any {
	switch v := v.(type) {
	case nil, bool, float64, int:
		return v
	default:
		return l.hide(fmt.Sprint(v))
	}
}

func slogLevel(level hclog.Level) slog.Level {
	switch level {
	case hclog.Info:
		return slog.LevelInfo
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error:
		return slog.LevelError
	}
	return slog.LevelDebug
}

// Trace and the like write a line of their level.
func (l *logger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }

// Debug writes a line.
func (l *logger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }

// Info writes a line.
func (l *logger) Info(msg string, args ...any) { l.Log(hclog.Info, msg, args...) }

// Warn writes a line.
func (l *logger) Warn(msg string, args ...any) { l.Log(hclog.Warn, msg, args...) }

// Error writes a line.
func (l *logger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *logger) enabled(level slog.Level) bool { return l.to.Enabled(context.Background(), level) }

// IsTrace is false: slog has no such level.
func (l *logger) IsTrace() bool { return false }

// IsDebug reports whether debug lines are wanted.
func (l *logger) IsDebug() bool { return l.enabled(slog.LevelDebug) }

// IsInfo reports whether info lines are wanted.
func (l *logger) IsInfo() bool { return l.enabled(slog.LevelInfo) }

// IsWarn reports whether warnings are wanted.
func (l *logger) IsWarn() bool { return l.enabled(slog.LevelWarn) }

// IsError reports whether errors are wanted.
func (l *logger) IsError() bool { return l.enabled(slog.LevelError) }

// ImpliedArgs returns none.
func (l *logger) ImpliedArgs() []any { return nil }

// With returns the same logger: go-plugin sets no arguments.
func (l *logger) With(...any) hclog.Logger { return l }

// Name returns the name under which the provider's lines come.
func (l *logger) Name() string { return runnerName }

// Named returns the logger of the provider's lines for the runner's name, else one that drops everything.
func (l *logger) Named(name string) hclog.Logger {
	return &logger{to: l.to, hide: l.hide, lines: name == runnerName}
}

// ResetNamed is Named.
func (l *logger) ResetNamed(name string) hclog.Logger { return l.Named(name) }

// SetLevel does nothing: slog decides.
func (l *logger) SetLevel(hclog.Level) {}

// GetLevel returns the lowest level that slog wants, so that go-plugin need not take other lines apart.
func (l *logger) GetLevel() hclog.Level {
	switch {
	case l.IsDebug():
		return hclog.Debug
	case l.IsInfo():
		return hclog.Info
	case l.IsWarn():
		return hclog.Warn
	}
	return hclog.Error
}

// StandardLogger is not used by go-plugin.
func (l *logger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(io.Discard, "", 0)
}

// StandardWriter is not used by go-plugin.
func (l *logger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return io.Discard }
