job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    host = "/run/mysqld/mysqld.sock"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
