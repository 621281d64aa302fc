// Package mysql is the SQL side of a MySQL or MariaDB server, and the data directory that it holds.
//
// What a run asks of it, in order: [Server.Facts] and [Server.Settings] while the server is up, [Server.Shutdown],
// [WaitFree] until the process is gone and the data directory free, [Server.Ping] once it was started again, and
// [Server.Apply] to put back what the restart lost. MySQL 9.7 and MariaDB 10.11 are tested; where statements have other
// names on older servers, the version decides.
//
// # Privileges
//
// The user of the job needs these, on MySQL:
//
//	GRANT SHUTDOWN, PROCESS, REPLICATION CLIENT ON *.* TO 'drydock'@'localhost';
//	GRANT SYSTEM_VARIABLES_ADMIN, REPLICATION_SLAVE_ADMIN, CONNECTION_ADMIN ON *.* TO 'drydock'@'localhost';
//
// and on MariaDB:
//
//	GRANT SHUTDOWN, PROCESS, BINLOG MONITOR, SLAVE MONITOR, REPLICATION SLAVE ADMIN, REPLICATION MASTER ADMIN,
//	      READ_ONLY ADMIN, SUPER ON *.* TO 'drydock'@'localhost';
//
// What each is for:
//
//	SHUTDOWN                                     SQL SHUTDOWN; not needed when the service manager stops the server
//	PROCESS                                      attached replicas, tablespaces outside the data directory
//	REPLICATION CLIENT (BINLOG MONITOR)          binary log position
//	REPLICATION CLIENT (SLAVE MONITOR)           state of replication channels
//	SYSTEM_VARIABLES_ADMIN (READ_ONLY ADMIN)     put read_only and super_read_only back
//	SYSTEM_VARIABLES_ADMIN (SUPER)               put event_scheduler back
//	SYSTEM_VARIABLES_ADMIN (REPLICATION ... ADMIN) put semi-synchronous replication back
//	REPLICATION_SLAVE_ADMIN                      start and stop replication threads
//	CONNECTION_ADMIN                             get in when all connections are taken, or the server is in offline mode
//
// No right to read or change any table is needed. A right that is missing shows in [Facts.Missing], with the GRANT to
// type in [Facts.GrantHint]; only SHUTDOWN is indispensable, and what else is missing makes a fact incomplete
// ([Facts.Incomplete]) or an [Server.Apply] fail.
//
// # Errors
//
// Errors carry a kind of sdk/errs: Permission for a refused login (naming user and host) and for a missing privilege,
// Transient for a server that cannot be reached or does not answer. No error and no log line holds the password.
package mysql
