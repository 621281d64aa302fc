job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "C:\Data"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
