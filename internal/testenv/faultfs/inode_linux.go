package faultfs

import (
	"context"
	"path/filepath"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// inode is a file or directory of a disk.
type inode struct {
	fs.LoopbackNode
	disk *Disk
	id   node
}

func (n *inode) path() string             { return n.Path(n.Root()) }
func (n *inode) child(name string) string { return filepath.Join(n.path(), name) }

// number returns the number of a node that go-fuse knows.
func number(child *fs.Inode) node {
	if n, ok := child.Operations().(*inode); ok {
		return n.id
	}
	return -1
}

// Create implements fs.NodeCreater.
func (n *inode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut,
) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	path := n.child(name)
	if e := n.disk.fails(Create, path); e != 0 {
		return nil, nil, 0, e
	}
	child, file, fuseFlags, e := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if e != 0 {
		return nil, nil, 0, e
	}
	id := number(child)
	n.disk.Journal.add(Op{Kind: Create, Path: path, node: id, dir: n.id, name: name})
	return child, n.handle(file, id, path), fuseFlags, 0
}

// Open implements fs.NodeOpener.
func (n *inode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	path := n.path()
	if e := n.disk.fails(Open, path); e != 0 {
		return nil, 0, e
	}
	file, fuseFlags, e := n.LoopbackNode.Open(ctx, flags)
	if e != 0 {
		return nil, 0, e
	}
	if flags&syscall.O_TRUNC != 0 {
		n.disk.Journal.add(Op{Kind: Truncate, Path: path, node: n.id})
	}
	return n.handle(file, n.id, path), fuseFlags, 0
}

func (n *inode) handle(f fs.FileHandle, id node, path string) fs.FileHandle {
	return &file{LoopbackFile: f.(*fs.LoopbackFile), disk: n.disk, id: id, path: path}
}

// Mkdir implements fs.NodeMkdirer.
func (n *inode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path := n.child(name)
	if e := n.disk.fails(Mkdir, path); e != 0 {
		return nil, e
	}
	child, e := n.LoopbackNode.Mkdir(ctx, name, mode, out)
	if e == 0 {
		n.disk.Journal.add(Op{Kind: Mkdir, Path: path, node: number(child), dir: n.id, name: name})
	}
	return child, e
}

// Link implements fs.NodeLinker.
func (n *inode) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	path := n.child(name)
	if e := n.disk.fails(Link, path); e != 0 {
		return nil, e
	}
	child, e := n.LoopbackNode.Link(ctx, target, name, out)
	if e == 0 {
		n.disk.Journal.add(Op{Kind: Link, Path: path, node: number(target.EmbeddedInode()), dir: n.id, name: name})
	}
	return child, e
}

// Unlink implements fs.NodeUnlinker.
func (n *inode) Unlink(ctx context.Context, name string) syscall.Errno {
	return n.remove(name, func() syscall.Errno { return n.LoopbackNode.Unlink(ctx, name) })
}

// Rmdir implements fs.NodeRmdirer.
func (n *inode) Rmdir(ctx context.Context, name string) syscall.Errno {
	return n.remove(name, func() syscall.Errno { return n.LoopbackNode.Rmdir(ctx, name) })
}

func (n *inode) remove(name string, do func() syscall.Errno) syscall.Errno {
	path := n.child(name)
	if e := n.disk.fails(Remove, path); e != 0 {
		return e
	}
	n.disk.forget(path)
	e := do()
	if e == 0 {
		n.disk.Journal.add(Op{Kind: Remove, Path: path, dir: n.id, name: name})
	}
	return e
}

// Rename implements fs.NodeRenamer.
func (n *inode) Rename(ctx context.Context, name string, parent fs.InodeEmbedder, to string, flags uint32) syscall.Errno {
	path := n.child(name)
	if e := n.disk.fails(Rename, path); e != 0 {
		return e
	}
	moved, dir := n.GetChild(name), parent.(*inode)
	if flags&^1 != 0 || moved == nil { // RENAME_NOREPLACE is the only flag that anybody uses here
		return syscall.EINVAL
	}
	id := number(moved)
	if flags == 0 {
		n.disk.forget(dir.child(to)) // what had the name
	}
	e := n.LoopbackNode.Rename(ctx, name, parent, to, flags)
	if e == 0 {
		n.disk.Journal.add(Op{Kind: Rename, Path: path, node: id, dir: n.id, name: name, newDir: dir.id, newTo: to})
	}
	return e
}

// Setattr implements fs.NodeSetattrer.
func (n *inode) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	size, sized := in.GetSize()
	if sized {
		if e := n.disk.fails(Truncate, n.path()); e != 0 {
			return e
		}
	}
	if own, ok := f.(*file); ok {
		f = own.LoopbackFile
	}
	e := n.LoopbackNode.Setattr(ctx, f, in, out)
	if e == 0 && sized {
		n.disk.Journal.add(Op{Kind: Truncate, Path: n.path(), node: n.id, size: int64(size)})
	}
	return e
}

// Getattr implements fs.NodeGetattrer.
func (n *inode) Getattr(ctx context.Context, f fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	if own, ok := f.(*file); ok {
		f = own.LoopbackFile
	}
	return n.LoopbackNode.Getattr(ctx, f, out)
}

// CopyFileRange has the kernel copy by reading and writing, which is seen here.
func (n *inode) CopyFileRange(context.Context, fs.FileHandle, uint64, *fs.Inode, fs.FileHandle, uint64, uint64, uint64,
) (uint32, syscall.Errno) {
	return 0, syscall.ENOSYS
}

// Tmpfile is not there: files without a name are not in the journal.
func (n *inode) Tmpfile(context.Context, uint32, uint32, *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	return nil, nil, 0, syscall.EOPNOTSUPP
}

// OpendirHandle implements fs.NodeOpendirHandler.
func (n *inode) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	h, fuseFlags, e := n.LoopbackNode.OpendirHandle(ctx, flags)
	if e != 0 {
		return nil, 0, e
	}
	return &directory{reading: h.(reading), inode: n}, fuseFlags, 0
}

// reading is what a loopback directory can do.
type reading interface {
	fs.FileReaddirenter
	fs.FileReleasedirer
	fs.FileSeekdirer
}

// directory is an open directory of a disk.
type directory struct {
	reading
	inode *inode
}

// Fsyncdir implements fs.FileFsyncdirer.
func (d *directory) Fsyncdir(context.Context, uint32) syscall.Errno {
	path := d.inode.path()
	if e := d.inode.disk.fails(SyncDir, path); e != 0 {
		return e
	}
	d.inode.disk.Journal.add(Op{Kind: SyncDir, Path: path, node: d.inode.id})
	return 0
}
