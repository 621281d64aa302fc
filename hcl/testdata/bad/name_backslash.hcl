job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  artifact { name = "${job.name}\\${run.id}\\Data.zip" }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
