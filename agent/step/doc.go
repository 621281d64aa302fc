// Package step holds the steps of a backup, one file each, in the order of a run:
//
//	preflight   may this run go ahead? nothing is changed
//	stop        write the intent, take MySQL down          Undo: bring MySQL up
//	capture     data directory → Data.zip → spool; shipping follows chunk by chunk
//	ship        wait until every target that is there has every chunk, and no longer than max_downtime allows
//	restart     bring MySQL up
//	confirm     it answers a query; put back what the restart lost; disarm the intent
//	deliver     wait for the targets that ship did not wait for, if there are any
//	commit      at each target: make the object visible, read it back, write the manifest
//	clean       drop the spool
//
// With restart = "after-capture", restart and confirm come before ship, which waits to the end. A restart is the Undo of
// stop, so every failure path goes through it. The steps hand on what they learn in one *Backup. The interfaces that they
// need are defined here; the parts behind them are passed in.
package step
