[mysqld]
datadir=/var/lib/mysql
