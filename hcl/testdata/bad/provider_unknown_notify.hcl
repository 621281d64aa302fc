job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
  notify "web-hook" "dba" {
    on  = ["failed"]
    url = "https://h.example.com"
  }
}
