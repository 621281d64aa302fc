// Package innodb checks the checksums of the pages of InnoDB's tablespaces, of MySQL and of MariaDB, as the servers and
// their innochecksum do.
//
//	c := innodb.New("shop/orders.ibd", size, innodb.Hints{}) // nil for a file whose pages nobody needs
//	io.Copy(c, file)                                          // pieces of any size
//	r := c.Close()                                            // how many pages, and which are damaged
//
// [Checker.Look] does the work for one piece and may be called by several goroutines; [Checker.Add] takes what it found,
// in the order of the file. Memory does not depend on the size of the file.
//
// What a page is checked with follows from the flags in the first page of its tablespace, and from the page itself:
//
//	crc32        CRC-32C of header and body, stored at both ends: MySQL's default, MariaDB's until 10.4
//	full_crc32   CRC-32C of the whole page, stored at its end: MariaDB's default since 10.5
//	innodb       a hash of header and body, and another one of the header: the default until MySQL 5.7
//	none         a constant at both ends
//	zip          CRC-32C or Adler-32 of a ROW_FORMAT=COMPRESSED page, stored at its beginning
//
// The strict_ variants of the servers write the same pages. A page that is all zeros was never used, and is fine. Pages of
// MySQL's transparent compression are unpacked first, for the checksum is that of the content. MariaDB's encrypted pages
// have a checksum of what is stored. MySQL's encrypted pages have one of what is encrypted, and MariaDB's compressed pages
// without full_crc32 have none: such a page is opaque, and only its number can be checked.
//
// MariaDB's innochecksum overlooks two things that are damage here, without full_crc32 (its tool of 10.11): a first page whose
// id of the tablespace is altered, when no other page tells it, as all are compressed; and the damaged pages behind a
// damaged page of descriptors, which it takes for freed by the descriptors of the pages before.
//
// Numbers and layouts are those of MySQL 9.7 and MariaDB 10.11, where older versions are known too.
package innodb
