// Package run walks one backup through its steps. It knows no concrete step.
package run
