package hcl

import (
	"fmt"
	"slices"
	"strings"
)

// nearest returns the candidate that a person most likely meant by name, or "".
func nearest(name string, candidates []string) string {
	best, bestDistance := "", 1<<30
	for _, c := range candidates {
		distance, ok := closeness(name, c)
		if ok && distance < bestDistance {
			best, bestDistance = c, distance
		}
	}
	return best
}

// closeness says how far name is from a candidate, and whether that is near enough to suggest it. Case and the
// choice between "-" and "_" count for nothing. One name that holds the other ("username", "user") is a weak match.
func closeness(name, candidate string) (int, bool) {
	a, b := fold(name), fold(candidate)
	if len(a) > 100 || len(b) > 100 {
		return 0, false
	}
	distance := editDistance(a, b)
	if distance <= max(1, min(len(a), len(b))/3) {
		return distance, true
	}
	if len(a) >= 3 && len(b) >= 3 && (strings.Contains(a, b) || strings.Contains(b, a)) {
		return 100 + distance, true
	}
	return 0, false
}

func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }

// editDistance counts the insertions, deletions, substitutions and swaps of neighbours that turn a into b.
func editDistance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// didYouMean makes `Did you mean "x"? ` (with the space) or nothing.
func didYouMean(name string, candidates []string) string {
	if near := nearest(name, candidates); near != "" {
		return fmt.Sprintf("Did you mean %q? ", near)
	}
	return ""
}

// quoted is s in Go's quotes: control characters cannot reach a terminal.
func quoted(s string) string { return fmt.Sprintf("%q", s) }

// listed joins names for a sentence: "a, b and c", sorted.
func listed(names []string) string { return joined(slices.Sorted(slices.Values(names))) }

// joined is listed in the order given.
func joined(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// quotedList is joined with every name in quotes.
func quotedList(names []string) string {
	q := make([]string, len(names))
	for i, n := range names {
		q[i] = quoted(n)
	}
	return joined(q)
}

// sentence gives a message of a library a capital and a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	s = strings.ToUpper(s[:1]) + s[1:]
	if strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// lowerFirst makes a title of hcl's fit our summaries, which begin in lower case.
func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// article puts "a" or "an" before a noun.
func article(noun string) string {
	if strings.ContainsAny(noun[:1], "aeiou") {
		return "an " + noun
	}
	return "a " + noun
}
