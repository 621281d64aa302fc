job "orders" {
  mysql {
    user     = "drydock"
    data_dir = "/var/lib/mysql"
    pasword = "hunter2"
    service "systemd" { unit = "mysql.service" }
  }
  target "object" "offsite" {
    bucket     = "b"
    secret_key = 4711
    acess_token = "hunter2"
  }
  notify "webhook" "dba" {
    on      = ["failure"]
    url     = ["https://hooks.example.com/hunter2"]
    headers = { Authorization = 4711 }
  }
}
