job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    host   = "127.0.0.1"
    socket = "/run/mysqld/mysqld.sock"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
