job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  artifact {
    exclude = ["*.pid", 7, true]
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
