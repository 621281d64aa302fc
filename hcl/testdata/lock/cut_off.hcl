plugin "storage" "sftp" {
  version = "1.2.3"
