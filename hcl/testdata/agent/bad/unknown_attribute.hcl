agent {
  plugins_dir = "/usr/lib/drydock/plugins"
  log_level   = "info"
}
