job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    password = fille("/etc/drydock/orders.pass")
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
