agent { data_dir = "/a" }
log { level = "info" }
agent { data_dir = "/b" }
