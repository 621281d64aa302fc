package archive

import (
	"os/user"
	"strconv"

	"github.com/drydock-backup/drydock/agent/archive/manifest"
	"github.com/drydock-backup/drydock/agent/archive/tree"
	"github.com/drydock-backup/drydock/agent/archive/zip64"
)

// zipEntry is what the headers of a file say. Writer and reader both ask here, so what the reader compares with is what
// the writer wrote.
func zipEntry(f *File) zip64.Entry {
	e := zip64.Entry{
		Name: f.Path, Method: f.Method, Mode: typeBits(f.Type) | uint32(f.Mode), ModTime: f.MTime[0], UID: f.UID, GID: f.GID,
		Offset: f.Header, Size: f.Size, Packed: f.Packed, CRC32: f.CRC32, Streamed: f.Streamed,
	}
	if f.Type == manifest.Directory {
		e.Name += "/"
	}
	return e
}

func typeBits(t manifest.Type) uint32 {
	switch t {
	case manifest.Directory:
		return tree.TypeDir
	case manifest.Symlink:
		return tree.TypeLink
	}
	return tree.TypeRegular
}

// fileOf is the manifest's entry of a node, as far as it is known before its content was read.
func fileOf(n *tree.Node, names *owners) *File {
	f := &File{
		Path: n.Path, Type: n.Type, Size: n.Stat.Size, Allocated: n.Stat.Allocated, Mode: permissions(n.Stat.Mode),
		UID: n.Stat.UID, GID: n.Stat.GID, MTime: n.Stat.MTime,
		Target: n.Target, SameFile: n.SameFile, Followed: n.Followed, Origin: n.Origin,
	}
	f.User, f.Group = names.of(f.UID, f.GID)
	f.Sparse = n.Type == manifest.Regular && n.Stat.Allocated < n.Stat.Size
	return f
}

func permissions(mode uint32) manifest.Mode { return manifest.Mode(mode &^ tree.TypeMask) }

// owners looks up the names of ids, each once.
type owners struct{ users, groups map[uint32]string }

func newOwners() *owners { return &owners{users: map[uint32]string{}, groups: map[uint32]string{}} }

func (o *owners) of(uid, gid uint32) (userName, groupName string) {
	userName, ok := o.users[uid]
	if !ok {
		if u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
			userName = u.Username
		}
		o.users[uid] = userName
	}
	groupName, ok = o.groups[gid]
	if !ok {
		if g, err := user.LookupGroupId(strconv.FormatUint(uint64(gid), 10)); err == nil {
			groupName = g.Name
		}
		o.groups[gid] = groupName
	}
	return userName, groupName
}
