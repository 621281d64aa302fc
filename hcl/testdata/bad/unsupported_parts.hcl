job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "windows" { name = "MySQL97" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
  schedule {
    cron = "30 2 * * *"
  }
  retention {
    keep_last = 7
  }
}
