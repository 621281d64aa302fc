agents {
  data_dir = "/var/lib/drydock"
}
