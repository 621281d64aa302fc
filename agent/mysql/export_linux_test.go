package mysql

// What tests of parsers look at.
var (
	ParseGrant     = parseGrant
	OpenForWriting = openForWriting
)

// Dialect describes what a version string is taken for.
func Dialect(version string) (product string, v [3]int) {
	d := dialectOf(version)
	return d.product(), d.version
}
