// Package tree walks a data directory and decides, for each thing in it, how it gets into the archive.
//
//	regular file, directory        as it is; a second name of one inode is recorded as such
//	symlink that stays inside      as a symlink made relative, so that a restored copy never points to the original
//	symlink that leaves            followed: what it points to is archived in its place (MyISAM tables with DATA
//	                               DIRECTORY, MariaDB databases on another disk), and the manifest says so
//	path that the server named     under .drydock/outside/NNNN/, with its own path in the manifest
//	keyring                        left out, or archived when asked for; in the manifest either way
//	excluded by a pattern          left out; counted and named in the manifest
//	socket, fifo, device, dangling link, unreadable file, reserved name
//	                               refused, all of them at once, each with a reason and what to do
//
// Nothing is skipped in silence. Memory does not grow with the number of files: directories are read in batches, and
// nodes are handed over one by one. It grows with the number of directories waiting to be read, of followed links, and of
// files with several names.
package tree
