job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    host = "[::1]"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
