job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  artifact { exclude = ["/var/lib/mysql/*.pid", "../x", "tmp/"] }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
