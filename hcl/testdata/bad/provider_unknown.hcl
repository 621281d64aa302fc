job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "fle" "nas" { path = "/mnt/nas" }
  target "s3" "offsite" { bucket = "b" }
}
