job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    stop_timeout = "0s"
    start_timeout = "52w"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
