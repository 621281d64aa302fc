job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    stop-timeout = "5m"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
