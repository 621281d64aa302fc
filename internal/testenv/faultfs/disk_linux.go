package faultfs

import (
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is one mounted file system. Its methods may be called while programs work on it.
type Disk struct {
	Journal *Journal

	dir  string // that holds what is on it
	mu   sync.Mutex
	last node
	ids  map[uint64]node // by inode number of the directory below
	rule Rule

	server *fuse.Server
	point  string
}

// Rule decides whether an operation fails; 0 lets it be done. It is called by one goroutine at a time.
type Rule func(kind Kind, path string) syscall.Errno

// Mount mounts an empty disk at a directory until the test ends.
func Mount(t testing.TB, point string) *Disk {
	t.Helper()
	d := &Disk{Journal: &Journal{}, dir: t.TempDir(), ids: map[uint64]node{}, point: point}
	var st syscall.Stat_t
	if err := syscall.Stat(d.dir, &st); err != nil {
		t.Fatal(err)
	}
	d.ids[st.Ino] = 0
	root := &fs.LoopbackRoot{Path: d.dir, Dev: st.Dev}
	root.NewNode = d.newNode //nolint:staticcheck // its successor is not told the inode
	top := &inode{LoopbackNode: fs.LoopbackNode{RootData: root}, disk: d}
	root.RootNode = top
	var err error
	d.server, err = fs.Mount(point, top, &fs.Options{MountOptions: fuse.MountOptions{
		AllowOther: true, DirectMountStrict: true, FsName: "faultfs", Name: "faultfs", Options: []string{"default_permissions"},
	}})
	if err != nil {
		t.Fatalf("mount a FUSE file system (needs root and /dev/fuse): %v", err)
	}
	t.Cleanup(d.Unmount)
	return d
}

// Unmount takes the disk away, also from programs that still use it. What was at the mount point is there again.
func (d *Disk) Unmount() {
	_ = syscall.Unmount(d.point, syscall.MNT_DETACH) // a second time it is not mounted
}

// Inject has operations fail as the rule says, from now on; nil ends that.
func (d *Disk) Inject(rule Rule) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rule = rule
}

// fails asks the rule.
func (d *Disk) fails(kind Kind, path string) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rule == nil {
		return 0
	}
	return d.rule(kind, path)
}

// newNode makes the node of a file or directory that was made or looked up.
func (d *Disk) newNode(root *fs.LoopbackRoot, _ *fs.Inode, _ string, st *syscall.Stat_t) fs.InodeEmbedder {
	return &inode{LoopbackNode: fs.LoopbackNode{RootData: root}, disk: d, id: d.id(st)}
}

// id returns the number of a file, a new one when it was not seen before.
func (d *Disk) id(st *syscall.Stat_t) node {
	d.mu.Lock()
	defer d.mu.Unlock()
	id, known := d.ids[st.Ino]
	if !known {
		d.last++
		id = d.last
		d.ids[st.Ino] = id
	}
	return id
}

// forget has the number of a file's inode given to the next file that gets the inode: its last name is being removed.
func (d *Disk) forget(path string) {
	var st syscall.Stat_t
	if syscall.Lstat(filepath.Join(d.dir, path), &st) != nil || st.Nlink > 1 && st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.ids, st.Ino)
}
