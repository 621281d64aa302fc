job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    stop_timeout = 10m
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
