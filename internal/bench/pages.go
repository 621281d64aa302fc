package main

import "fmt"

// pages compares capture with and without the check of InnoDB's pages, in turn.
func (b *bench) pages() {
	b.inTurn("capture", 1.05, contest{what: "without the check of pages", artifact: "check_pages = false"},
		contest{what: "with it"})
}

// contest is a job that is compared with another one.
type contest struct {
	what     string
	artifact string // more of the artifact block
	extra    string // more blocks
}

// inTurn compares two jobs by the medians of a step, or of the whole run when step is "". Each comes first in half of the
// rounds, so that a machine that gets slower is fair to both; the first round warms up.
func (b *bench) inTurn(step string, wanted float64, plain, more contest) {
	took := map[string][]float64{}
	pair := []contest{plain, more}
	var targets, files []string
	for i, c := range pair {
		file, target := b.jobWith(fmt.Sprintf("contest%d", i), b.dataDir, c.artifact, c.extra)
		files, targets = append(files, file), append(targets, target)
	}
	for round := range b.rounds + 1 {
		for k := range pair {
			i := (k + round) % 2
			r := b.onceAfresh(targets[i], b.command(files[i]))
			seconds := r.seconds
			if step != "" {
				seconds = r.steps[step]
			}
			if round > 0 {
				took[pair[i].what] = append(took[pair[i].what], seconds)
			}
		}
		if round > 0 {
			fmt.Printf("  round %d: %s %.2f s, %s %.2f s\n", round, plain.what, last(took[plain.what]), more.what, last(took[more.what]))
		}
	}
	was, is := median(took[plain.what]), median(took[more.what])
	fmt.Printf("  median of %d: %s %.2f s, %s %.2f s; ratio %.3f (wanted: at most %.2f)\n", b.rounds, plain.what, was, more.what, is,
		is/was, wanted)
}

func last(v []float64) float64 { return v[len(v)-1] }
