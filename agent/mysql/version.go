package mysql

import (
	"slices"
	"strconv"
	"strings"
)

// The products that Facts tells apart. A fork that keeps MySQL's statements counts as MySQL.
const (
	ProductMySQL   = "MySQL"
	ProductMariaDB = "MariaDB"
)

// dialect knows which names a server has for what every server can do.
type dialect struct {
	maria   bool
	version [3]int
}

// dialectOf reads the value of the variable "version": "9.7.4-2", "10.11.18-MariaDB-0+deb12u1-log",
// "5.5.5-10.4.8-MariaDB".
func dialectOf(version string) dialect {
	d := dialect{maria: strings.Contains(strings.ToLower(version), "mariadb")}
	if d.maria {
		version = strings.TrimPrefix(version, "5.5.5-") // old replicas had to be fooled
	}
	number, _, _ := strings.Cut(version, "-")
	for i, part := range strings.SplitN(number, ".", 3) {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		d.version[i] = n
	}
	return d
}

func (d dialect) product() string {
	if d.maria {
		return ProductMariaDB
	}
	return ProductMySQL
}

// since reports whether a MySQL server has at least this version. It is false for MariaDB.
func (d dialect) since(version ...int) bool {
	return !d.maria && slices.Compare(d.version[:], version) >= 0
}

func (d dialect) binlogStatus() string {
	if d.since(8, 2, 0) {
		return "SHOW BINARY LOG STATUS"
	}
	return "SHOW MASTER STATUS"
}

// replica is the word for a replica in statements.
func (d dialect) replica() string {
	if d.since(8, 0, 22) {
		return "REPLICA"
	}
	return "SLAVE"
}

func (d dialect) replicaStatus() string {
	if d.maria {
		return "SHOW ALL SLAVES STATUS"
	}
	return "SHOW " + d.replica() + " STATUS"
}

// replicaList lists attached replicas that announced themselves.
func (d dialect) replicaList() string {
	if d.since(8, 0, 22) {
		return "SHOW REPLICAS"
	}
	return "SHOW SLAVE HOSTS"
}
