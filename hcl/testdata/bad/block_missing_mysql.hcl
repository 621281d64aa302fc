job "orders" {
  target "file" "nas" { path = "/mnt/nas/backups" }
}
