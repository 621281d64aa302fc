job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  artifact { name = "${job.name}/${formatdate("YYYY", run.started)}.zip" }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
