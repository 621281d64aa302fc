agent {
  data_dir = "/var/lib/drydock"
}
log {
  level = "info"
}
