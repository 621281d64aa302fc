job "orders" {
  mysql {
    user = "drydock-${run.id}"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
