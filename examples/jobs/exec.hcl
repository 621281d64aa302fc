# A server without a service manager: a command starts it. MySQL is stopped by SQL SHUTDOWN, because there is no stop
# command. The zip is made with deflate, so that every zip program opens it.
job "shop" {
  mysql {
    host     = "127.0.0.1"
    port     = 3307
    user     = "drydock"
    password = env("SHOP_MYSQL_PASSWORD")
    data_dir = "/srv/shop/data"

    service "exec" {
      start = ["/usr/sbin/mysqld", "--defaults-file=/srv/shop/my.cnf"]
    }
  }

  compress "deflate" {}

  target "file" "local" { path = "/srv/backups" }
}
