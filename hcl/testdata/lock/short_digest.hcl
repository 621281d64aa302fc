plugin "storage" "sftp" {
  version = "1.2.3"
  sha256  = "00010203"
}
