job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
  notify "webhook" "dba" {
    on  = ["failure", "mysql_down", "fail"]
    url = "https://h.example.com/x"
  }
}
