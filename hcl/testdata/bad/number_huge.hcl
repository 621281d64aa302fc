job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    port = 1e99999
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
