job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "exec" { start = ["/usr/bin/mysqld_safe --user=mysql"] }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
}
