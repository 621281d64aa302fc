job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql@orders.service" }
  }
  target "file" "nas" { path = "/mnt/nas" }
}

job "stock" {
  mysql {
    socket   = "/run/mysqld/mysqld.sock"
    user     = "root"
    password = null
    data_dir = "/srv/stock"
    service "exec" { start = ["mysqld_safe"] }
  }
  artifact { name = null }
  compress "store" {}
  target "file" "nas" { path = "/mnt/nas" }
}
