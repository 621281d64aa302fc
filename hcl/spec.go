package hcl

import "github.com/drydock-backup/drydock/sdk/schema"

// The kinds of provider, as a SchemaSource is asked for them.
const (
	KindStorage  = "storage"  // target blocks
	KindCompress = "compress" // compress block
	KindNotify   = "notify"   // notify blocks
)

// blockSpec is what the language knows about one kind of block.
type blockSpec struct {
	name    string
	labels  []string // what each label is, such as "provider"
	example string   // how the block's first line looks
	attrs   []attrSpec
	blocks  []childSpec
	// open is set for blocks whose attributes a provider's schema adds.
	open bool
}

// attrSpec is one attribute of a block.
type attrSpec struct {
	name      string
	required  bool
	sensitive bool
	example   string // the whole line
	doc       string
}

// childSpec is a block inside a block.
type childSpec struct {
	*blockSpec
	required bool
	many     bool
}

// jobSpec is the language: everything that a job block can hold. Names of unsupported parts are in unsupported.go.
func jobSpec() *blockSpec {
	return &blockSpec{
		name: "job", labels: []string{"name"}, example: `job "orders" { ... }`,
		attrs: []attrSpec{{name: "restart", example: `restart = "after-ship"`}},
		blocks: []childSpec{
			{blockSpec: mysqlSpec(), required: true},
			{blockSpec: artifactSpec()},
			{blockSpec: &blockSpec{name: "compress", labels: []string{"provider"}, example: `compress "zstd" { ... }`, open: true}},
			{blockSpec: encryptSpec()},
			{blockSpec: verifySpec()},
			{blockSpec: &blockSpec{name: "target", labels: []string{"provider", "name"},
				example: `target "file" "nas" { ... }`, open: true}, required: true, many: true},
			{blockSpec: &blockSpec{name: "notify", labels: []string{"provider", "name"},
				example: `notify "webhook" "dba" { ... }`, open: true, attrs: notifyAttrs()}, many: true},
		},
	}
}

func mysqlSpec() *blockSpec {
	return &blockSpec{
		name: "mysql", example: "mysql { ... }",
		attrs: []attrSpec{
			{name: "host", example: `host = "127.0.0.1"`},
			{name: "port", example: `port = 3306`},
			{name: "socket", example: `socket = "/run/mysqld/mysqld.sock"`},
			{name: "user", required: true, example: `user = "drydock"`, doc: "the account that drydock logs in with"},
			{name: "password", sensitive: true, example: `password = credential("orders-mysql")`},
			{name: "data_dir", required: true, example: `data_dir = "/var/lib/mysql"`, doc: "the directory that is backed up"},
			{name: "stop_timeout", example: `stop_timeout = "10m"`},
			{name: "start_timeout", example: `start_timeout = "10m"`},
			{name: "max_downtime", example: `max_downtime = "30m"`},
			{name: "allow_primary", example: `allow_primary = true`},
		},
		blocks: []childSpec{{blockSpec: serviceSpec(), required: true}},
	}
}

func serviceSpec() *blockSpec {
	return &blockSpec{
		name: "service", labels: []string{"kind"}, example: `service "systemd" { unit = "mysql.service" }`,
		attrs: []attrSpec{
			{name: "start", example: `start = ["/usr/local/bin/start-mysql"]`},
			{name: "stop", example: `stop = ["/usr/local/bin/stop-mysql"]`},
			{name: "unit", example: `unit = "mysql.service"`},
		},
	}
}

func artifactSpec() *blockSpec {
	return &blockSpec{
		name: "artifact", example: "artifact { ... }",
		attrs: []attrSpec{
			{name: "name", example: `name = "${job.name}/${run.id}/Data.zip"`},
			{name: "chunk_size", example: `chunk_size = "64MiB"`},
			{name: "exclude", example: `exclude = ["*.pid", "*.sock"]`},
			{name: "include_keyring", example: `include_keyring = true`},
			{name: "check_pages", example: `check_pages = false`},
		},
	}
}

func encryptSpec() *blockSpec {
	return &blockSpec{
		name: "encrypt", example: `encrypt { recipients = ["age1..."] }`,
		attrs: []attrSpec{
			{name: "passphrase", sensitive: true, example: `passphrase = file("/etc/drydock/orders.pass")`},
			{name: "recipients", example: `recipients = ["age1..."]`},
		},
	}
}

func verifySpec() *blockSpec {
	return &blockSpec{
		name: "verify", example: `verify { drill = "weekly" }`,
		attrs: []attrSpec{
			{name: "drill", example: `drill = "weekly"`},
			{name: "mysqld", example: `mysqld = "/usr/sbin/mysqld"`},
			{name: "scratch_dir", example: `scratch_dir = "/srv/drills"`},
			{name: "timeout", example: `timeout = "4h"`},
			{name: "keyring", example: `keyring = ["/etc/drydock/orders.keyring"]`},
		},
		blocks: []childSpec{{blockSpec: querySpec(), many: true}},
	}
}

func querySpec() *blockSpec {
	return &blockSpec{
		name: "query", labels: []string{"name"}, example: `query "there are orders" { ... }`,
		attrs: []attrSpec{
			{name: "sql", required: true, example: `sql = "SELECT COUNT(*) > 1000 FROM shop.orders"`, doc: "a statement that gives one value"},
			{name: "expect", required: true, example: `expect = "1"`, doc: "the value that it has to give"},
		},
	}
}

// notifyAttrs are the attributes of a notify block that belong to the language, not to the provider.
func notifyAttrs() []attrSpec {
	return []attrSpec{{name: "on", required: true, example: `on = ["failure", "mysql-down"]`, doc: "the events that are reported"}}
}

// withSchema returns the spec of a provider's block: the language's own attributes and those of the provider.
func (s *blockSpec) withSchema(sc *schema.Schema) *blockSpec {
	full := *s
	full.open = false
	full.attrs = append([]attrSpec(nil), s.attrs...)
	if sc == nil {
		return &full
	}
	for _, a := range sc.Attributes {
		if s.attr(a.Name) == nil {
			full.attrs = append(full.attrs, attrSpec{name: a.Name, required: a.Required, sensitive: a.Sensitive,
				example: attrExample(a), doc: a.Doc})
		}
	}
	return &full
}

// attr returns the attribute of a name, or nil.
func (s *blockSpec) attr(name string) *attrSpec {
	for i := range s.attrs {
		if s.attrs[i].name == name {
			return &s.attrs[i]
		}
	}
	return nil
}

// block returns the child block of a name, or nil.
func (s *blockSpec) block(name string) *childSpec {
	for i := range s.blocks {
		if s.blocks[i].name == name {
			return &s.blocks[i]
		}
	}
	return nil
}

func (s *blockSpec) attrNames() []string {
	var names []string
	for _, a := range s.attrs {
		names = append(names, a.name)
	}
	return names
}

func (s *blockSpec) blockNames() []string {
	var names []string
	for _, b := range s.blocks {
		names = append(names, b.name)
	}
	return names
}

// home finds the block that an attribute or a block belongs in, for one that was written in the wrong place.
func (s *blockSpec) home(name string) string {
	if s.attr(name) != nil || s.block(name) != nil {
		return s.name
	}
	for _, b := range s.blocks {
		if h := b.home(name); h != "" {
			return h
		}
	}
	return ""
}
