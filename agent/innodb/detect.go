package innodb

import "bytes"

// detect finds out how the pages of a file are made, from its beginning: headSize bytes, or all there are. nil: it is no
// tablespace.
func detect(k kind, head []byte, h Hints) *layout {
	if len(head) < minZip {
		if k == unlikely {
			return nil
		}
		return &layout{physical: defaultPage, logical: defaultPage}
	}
	declared, ok := parseFlags(be32(head, atFlags))
	isHeader := be16(head, atType) == typeHeader && be32(head, atNumber) == 0 && be32(head, atSpace) == be32(head, atSpaceID)
	if ok && isHeader && len(head) >= declared.physical {
		declared.numbered, declared.named, declared.space = true, true, be32(head, atSpace)
		declared.readCrypt(head)
		declared.mariadb = declared.mariadb || h.MariaDB
		if declared.check(head[:declared.physical], 0, new(scratch)) == good && (k != unlikely || declared.space == 0) {
			return &declared
		}
	}
	if k == unlikely {
		return nil
	}
	if !ok {
		declared = layout{}
	}
	return guess(k, head, declared, h)
}

// guess finds the layout that most of the first pages fit, for a file whose first page is damaged, or no header.
func guess(k kind, head []byte, declared layout, h Hints) *layout {
	best, most := layout{}, -1
	for _, l := range candidates(declared, h) {
		l.base, l.numbered, l.named, l.space = 0, k == headed, false, 0
		l.hidden, l.crypt, l.mariadb = true, true, l.mariadb || h.MariaDB
		if n := l.fit(head); n > most {
			best, most = l, n
		}
	}
	return &best
}

// candidates lists possible layouts, the most likely ones first.
func candidates(declared layout, h Hints) []layout {
	plain := func(size int) layout { return layout{physical: size, logical: size} }
	var all []layout
	if declared.physical != 0 && (h.PageSize == 0 || h.PageSize == declared.logical) {
		all = append(all, declared)
	}
	logical := defaultPage
	if h.PageSize >= minPage && h.PageSize <= maxPage && h.PageSize&(h.PageSize-1) == 0 {
		logical = h.PageSize
	}
	all = append(all, plain(logical))
	for size := minPage; size <= maxPage; size *= 2 {
		all = append(all, plain(size), layout{physical: size, logical: size, full: true, mariadb: true, packed: true})
	}
	for size := minZip; size <= min(maxZip, logical); size *= 2 {
		all = append(all, layout{physical: size, logical: logical, zip: true})
	}
	return all
}

// fit returns how many bytes of head are pages of this layout, and takes up what they tell about the file.
func (l *layout) fit(head []byte) (fitting int) {
	s := new(scratch)
	for i := 0; (i+1)*l.physical <= len(head); i++ {
		page := head[i*l.physical:][:l.physical]
		if isZero(page) {
			continue
		}
		try := *l
		if !try.numbered {
			try.base, try.numbered = be32(page, atNumber)-uint32(i), true
		}
		if try.check(page, try.base+uint32(i), s) != good {
			continue
		}
		fitting += l.physical
		// A first page that is taken for damaged does not tell what the others should say.
		if *l = try; !l.named && be16(page, atType) != typeHeader && (!l.full || be32(page, 0) == 0) {
			l.named, l.space = true, be32(page, atSpace)
		}
	}
	return fitting
}

// cryptMagic begins what MariaDB writes into the first page of a tablespace about its encryption.
const cryptMagic = "s\x0e\x0cREt"

// readCrypt looks into the first page for facts about encryption: MariaDB's, and MySQL's, which stay for a while when the
// flag is gone.
func (l *layout) readCrypt(first []byte) {
	after := func(start int) []byte {
		at := start + l.descriptorSize()*(l.physical/l.extent())
		return first[min(at, l.physical):l.physical]
	}
	const scheme, encrypted = len(cryptMagic), 1
	if info := after(atBody + atDescriptors); bytes.HasPrefix(info, []byte(cryptMagic)) && len(info) > scheme {
		l.mariadb, l.crypt = true, info[scheme] == encrypted
	}
	l.hidden = l.hidden || !l.mariadb && bytes.HasPrefix(after(atDescriptors), []byte("lC"))
}
