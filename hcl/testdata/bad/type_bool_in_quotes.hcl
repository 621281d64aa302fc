job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    allow_primary = "yes"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
