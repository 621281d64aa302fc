job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
