package process

// ParseStat shows the parser of /proc/PID/stat.
func ParseStat(text string) (state byte, parent int, start uint64, ok bool) {
	s, ok := parseStat(text)
	return s.state, s.parent, s.start, ok
}
