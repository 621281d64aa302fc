job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "exec" { start = "/usr/local/bin/start-mysql" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
