job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  restart = "a${["x"]}"
  target "file" "nas" { path = "/mnt/nas/backups" }
}
