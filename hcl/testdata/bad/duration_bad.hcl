job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    stop_timeout  = "10 minutes"
    start_timeout = 600
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
