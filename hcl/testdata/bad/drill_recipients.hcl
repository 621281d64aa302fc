job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "file" "nas" { path = "/mnt/nas/backups" }
  encrypt { recipients = ["age1vh24rrnp70544t4s6qjep5jsxqdfvvxhq9n7gypw6q938egecfhqjjr94c"] }
  verify { drill = "weekly" }
}
