agent { data_dir = "/var/lib/drydock" }
version = 1
