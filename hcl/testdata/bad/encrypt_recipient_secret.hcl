job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
  encrypt {
    recipients = ["AGE-SECRET-KEY-1W8CV8ZAS7HT463M64X5LGDZ0VVFT9GGN9NNTU4RL60LF9MD9N3UQYPK3L7"]
  }
}
