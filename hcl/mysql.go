package hcl

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/drydock-backup/drydock/agent/job"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Defaults of the mysql block, and the bounds of its timeouts.
const (
	defaultHost    = "127.0.0.1"
	defaultPort    = 3306
	defaultTimeout = 10 * time.Minute
	leastTimeout   = time.Second
	mostTimeout    = 7 * 24 * time.Hour
)

// maxSocketPath is what fits into a Unix socket address, without its final NUL, on the system that allows the least.
const maxSocketPath = 103

func (e *evaluator) mysql(b *hclsyntax.Block) job.MySQL {
	f := e.check(b, mysqlSpec(), "mysql")
	m := job.MySQL{StopTimeout: defaultTimeout, StartTimeout: defaultTimeout}
	e.connection(f, &m)
	if g := e.get(f, "user"); g != nil {
		m.User, _ = g.nonEmpty()
	}
	if g := e.get(f, "password"); g != nil {
		s, _ := g.text()
		m.Password = job.Secret(s)
	}
	if g := e.get(f, "data_dir"); g != nil {
		m.DataDir = e.dataDir(g)
	}
	if g := e.get(f, "stop_timeout"); g != nil {
		m.StopTimeout, _ = g.duration(leastTimeout, mostTimeout)
	}
	if g := e.get(f, "start_timeout"); g != nil {
		m.StartTimeout, _ = g.duration(leastTimeout, mostTimeout)
	}
	if g := e.get(f, "max_downtime"); g != nil {
		m.MaxDowntime, _ = g.duration(leastTimeout, mostTimeout)
	}
	if g := e.get(f, "allow_primary"); g != nil {
		m.AllowPrimary, _ = g.boolean()
	}
	m.Service = e.service(f.one("service"))
	return m
}

// connection decodes either a socket, or host and port.
func (e *evaluator) connection(f *fields, m *job.MySQL) {
	host, port, socket := e.get(f, "host"), e.get(f, "port"), e.get(f, "socket")
	if socket != nil {
		for _, other := range []*given{host, port} {
			if other != nil {
				other.bad(other.title()+" and mysql.socket exclude each other",
					fmt.Sprintf("A server is reached either through its socket (line %d) or over TCP. Remove one of the two.",
						socket.expr.Range().Start.Line))
			}
		}
		m.Socket = socketPath(socket)
		return
	}
	m.Host, m.Port = defaultHost, defaultPort
	if host != nil {
		m.Host = hostName(host)
	}
	if port != nil {
		m.Port = portNumber(port)
	}
}

func socketPath(g *given) string {
	path, ok := g.absolute()
	if ok && len(path) > maxSocketPath {
		g.bad("mysql.socket is too long",
			fmt.Sprintf("The path of a socket has at most %d bytes; this one has %d.", maxSocketPath, len(path)))
	}
	return path
}

func hostName(g *given) string {
	host, ok := g.nonEmpty()
	if !ok {
		return ""
	}
	switch {
	case strings.HasPrefix(host, "/"):
		g.bad("mysql.host is a path",
			`The path of a socket goes into socket, instead of host and port: socket = "/run/mysqld/mysqld.sock".`)
	case strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]"):
		g.bad("mysql.host has brackets", `Write an IPv6 address without brackets, such as "::1".`)
	case net.ParseIP(host) == nil && strings.Contains(host, ":"):
		g.bad("mysql.host holds a colon", "The port has an attribute of its own: port = 3306.")
	case strings.ContainsAny(host, " /@"):
		g.bad("mysql.host is no host name", `It is a name or an IP address and nothing else, such as "db1.example.com" or "127.0.0.1".`)
	}
	return host
}

func portNumber(g *given) int {
	n, ok := g.integer()
	if ok && (n < 1 || n > 65535) {
		g.bad(g.title()+" is out of range", "A TCP port is between 1 and 65535; MySQL listens on 3306 unless told otherwise.")
	}
	return int(n)
}

func (e *evaluator) dataDir(g *given) string {
	path, ok := g.absolute()
	if ok && path == filepath.Dir(path) {
		g.bad("mysql.data_dir is the root directory", "It is the directory that holds ibdata1, such as /var/lib/mysql.")
	}
	return path
}
