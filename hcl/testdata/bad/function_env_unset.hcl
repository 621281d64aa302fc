job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    password = env("ORDERS_PASSWORD")
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
