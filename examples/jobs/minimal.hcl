# The least that a job needs: how to log in, what to copy, how to stop and start the server, and where backups go.
# Everything else has a default; docs/job-language.md lists them.
job "orders" {
  mysql {
    user     = "drydock"
    password = file("/etc/drydock/orders.pass")
    data_dir = "/var/lib/mysql"

    service "systemd" { unit = "mysql.service" }
  }

  target "file" "nas" { path = "/mnt/nas/backups" }
}
