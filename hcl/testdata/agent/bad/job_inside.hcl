agent { data_dir = "/var/lib/drydock" }

job "orders" {
  mysql {
    password = "hunter2"
  }
}

target "file" "nas" { path = "/mnt/nas" }
