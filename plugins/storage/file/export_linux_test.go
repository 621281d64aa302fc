package file

// EachMapped is for the tests.
var EachMapped = eachMapped
