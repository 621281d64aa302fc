job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "exec" { start = [] }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
