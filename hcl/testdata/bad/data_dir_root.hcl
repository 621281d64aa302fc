job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
