package agent

// History is what the last good run of the job has shown.
var History = history

// NewID names a run.
var NewID = newID

// DrillDue reports whether a run has to drill its backup.
var DrillDue = drillDue

// OutsideOf is what a drill has to move to its scratch directory.
var OutsideOf = outsideOf
