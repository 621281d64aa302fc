// Package instance puts the SQL side, the service side and the data directory of one MySQL or MariaDB server together
// and answers three questions about it: is it up, take it down, bring it up.
//
// The data directory is the truth. A server is down when no process holds its data directory, whatever a connection or
// a service manager says; only then is it started, so two servers never meet on one data directory:
//
//	data directory held by    SQL answers    means
//	a process                 yes            up
//	a process                 no             starting, stopping or hung: wait
//	a process                 refuses login  up; that it serves cannot be proven
//	a process without the     no             a bystander, such as an editor: nothing is copied, and after a while the server
//	locks of a server                        is started beside it
//	nobody                    (no)           down: may be started, may be copied
//
// Every wait is bounded by the job's stop_timeout or start_timeout.
package instance
