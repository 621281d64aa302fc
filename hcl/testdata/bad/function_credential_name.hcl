job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    password = credential("../orders")
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
