package innodb

import "fmt"

// Totals sums up what was found in many files. Its JSON keys are part of the formats of manifests.
type Totals struct {
	Files        int64 `json:"files"`  // tablespaces
	Pages        int64 `json:"pages"`  // looked at
	Opaque       int64 `json:"opaque"` // of these, without a checksum that can be computed
	Damaged      int64 `json:"damaged"`
	DamagedFiles int64 `json:"damaged_files"`
}

// Add takes up one file.
func (t *Totals) Add(r Result) {
	t.Files++
	t.Pages += r.Pages
	t.Opaque += r.Opaque
	t.Damaged += r.Damaged
	if r.Damaged > 0 {
		t.DamagedFiles++
	}
}

// Check reports numbers that cannot be.
func (t Totals) Check() error {
	if t.Files < 0 || t.Opaque < 0 || t.Damaged < 0 || t.Pages < max(t.Opaque, t.Damaged) || t.DamagedFiles < 0 ||
		t.DamagedFiles > min(t.Files, t.Damaged) || t.Damaged > 0 && t.DamagedFiles == 0 {
		return fmt.Errorf("pages do not add up: %+v", t)
	}
	return nil
}
