job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
