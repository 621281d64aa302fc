job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "exec" { stop = ["/usr/bin/stop-mysql"] }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
