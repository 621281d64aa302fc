job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  artifact { chunk_size = "64KiB" }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
