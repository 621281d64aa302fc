agent {
  data_dir   = "/var/lib/drydock"
  spool_dir  = "${env("SPOOL")}/${host.name}"
  plugin_dir = "/usr/lib/drydock/plugins/"
  jobs_dir   = "/etc/drydock/jobs.d"
}

queue {
  max_bytes = "500GiB"
  retry_min = "30s"
  retry_max = "2h"
  patience  = "90s"
}

log {
  level  = "info"
  format = "json"
}

plugin "storage" "sftp" { version = "~> 1.2" }
plugin "notify" "sftp" { version = ">= 0.3, < 2, != 1.1.0" }
