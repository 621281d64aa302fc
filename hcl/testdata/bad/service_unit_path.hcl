job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "/etc/systemd/system/mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
