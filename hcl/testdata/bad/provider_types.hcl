job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    service "systemd" { unit = "mysql.service" }
  }
  target "object" "offsite" {
    bucket     = ["b"]
    part_size  = "16 MB/s"
    timeout    = "soon"
    retries    = "many"
    path_style = 1
    tags       = { team = 7, stage = "prod" }
    regions    = ["eu", "asia"]
  }
}
