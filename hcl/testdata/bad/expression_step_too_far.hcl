job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  artifact { name = "${run.id.short}/Data.zip" }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
