agent {
  data_dir = /var/lib/drydock
}
