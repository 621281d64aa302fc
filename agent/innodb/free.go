package innodb

// atDescriptors is where the descriptors of extents begin, in the first of every as many pages as a page has bytes.
const atDescriptors = 150

// Within a descriptor: two bits for each page, the lower one says that it is free.
const (
	atBitmap = 24
	pageBits = 2
)

func (l *layout) descriptorSize() int { return atBitmap + l.extent()*pageBits/8 }

// describes reports whether a page holds descriptors.
func (l *layout) describes(number uint32) bool { return number%uint32(l.physical) == 0 }

// descriptors returns the part of a page that holds them.
func (l *layout) descriptors(page []byte) []byte {
	return page[atDescriptors:min(len(page), atDescriptors+l.descriptorSize()*(l.physical/l.extent()))]
}

// isFree reports whether the descriptors say that a page is free. MariaDB does not write pages that were freed, so that
// anything may be in their place.
func (l *layout) isFree(descriptors []byte, number uint32) bool {
	within := int(number % uint32(l.physical))
	bit := within % l.extent() * pageBits
	at := within/l.extent()*l.descriptorSize() + atBitmap + bit/8
	return at < len(descriptors) && descriptors[at]>>(bit%8)&1 == 1
}
