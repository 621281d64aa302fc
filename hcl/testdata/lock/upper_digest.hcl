plugin "storage" "sftp" {
  version    = "1.2.3"
  constraint = "newest"
  sha256     = "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
}
