job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
  verify { drill = "7 days" }
}
