agent {
  data_dir = "/var/lib/drydock"
  jobs_dir = "/etc/drydock/jobs.d"
  max_runs = 2
}

console { listen = "127.0.0.1:7440" }
