// Package step holds the steps of a backup, one file each, in the order of a run:
//
//	preflight   may this run go ahead? nothing is changed
//	stop        write the intent, take MySQL down          Undo: bring MySQL up
//	capture     data directory → Data.zip → spool; shipping follows chunk by chunk
//	ship        wait until every target has every chunk
//	restart     bring MySQL up
//	confirm     it answers a query; put back what the restart lost; disarm the intent
//	commit      at each target: make the object visible, read it back, write the manifest
//	clean       drop the spool
//
// With restart = "after-capture", restart and confirm come before ship. A restart is the Undo of stop, so every failure
// path goes through it. The steps hand on what they learn in one *Backup. The interfaces that they need are defined
// here; the parts behind them are passed in.
package step
