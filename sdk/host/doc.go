// Package host starts provider processes and speaks to them.
package host
