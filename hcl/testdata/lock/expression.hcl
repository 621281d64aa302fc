plugin "storage" "sftp" {
  version    = file("/etc/hostname")
  constraint = "~> ${host.name}"
  sha256     = upper("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
}
