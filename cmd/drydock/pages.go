package main

import (
	"fmt"

	"github.com/drydock-backup/drydock/agent/innodb"
)

// pagesText says what the checksums of InnoDB's pages told.
func pagesText(p innodb.Totals) string {
	text := fmt.Sprintf("%d of InnoDB in %d files", p.Pages, p.Files)
	if p.Opaque > 0 {
		text += fmt.Sprintf(", %d of them encrypted or compressed without a checksum", p.Opaque)
	}
	if p.Damaged == 0 {
		return text + "; none is damaged"
	}
	return text + fmt.Sprintf("; %d DAMAGED in %d files of the database", p.Damaged, p.DamagedFiles)
}

// pagesShort is that in a column.
func pagesShort(p *innodb.Totals) string {
	switch {
	case p == nil:
		return "-"
	case p.Damaged > 0:
		return fmt.Sprintf("%d DAMAGED", p.Damaged)
	}
	return "ok"
}
