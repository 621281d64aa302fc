agent {
  data_dir = "/var/lib/drydock"
  max_runs = 2
}

console { listen = "127.0.0.1:7440" }
