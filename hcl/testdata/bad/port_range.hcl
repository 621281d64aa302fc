job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    port = 70000
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
