//go:build race

package main

// raceDetector: processes are several times as large and slow.
const raceDetector = true
