data_dir = "/var/lib/drydock"

log {
  plugin_dir = "/usr/lib/drydock/plugins"
}

agent {
  plugin "storage" "sftp" { version = "~> 1.2" }
}
