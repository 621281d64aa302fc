// Package service starts and stops a database server through its host: by a command (service "exec") or by systemd over
// D-Bus (service "systemd").
//
// # exec
//
// The start command is either the server itself in the foreground or a command that returns once the server runs by
// itself. It gets a session of its own, /dev/null as its input, and "/" as its directory; what it prints goes to
// <LogDir>/<Name>.start.log. So it outlives the agent, whatever signal the agent or the agent's process group gets. When
// the agent runs as a systemd service itself, its unit needs KillMode=process, for systemd kills by control
// group.
//
// Of the agent's environment only this reaches the command, so that no credential of the agent's ends up in the
// server's: PATH, HOME, USER, LOGNAME, SHELL, TMPDIR, TZ, LANG, LANGUAGE, LC_*, LD_LIBRARY_PATH, LD_PRELOAD (memory
// allocators), MYSQL_HOME, MYSQLD_OPTS, and on Windows SystemRoot, TEMP, TMP.
//
// # systemd
//
// Starting and stopping units takes root, or a polkit rule for the action org.freedesktop.systemd1.manage-units. A unit
// that is not active is not stopped: a server that runs all the same was started by somebody else, and the caller
// asks it by SQL.
package service
