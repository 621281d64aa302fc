job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    password = file("/nonexistent/orders.pass")
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
