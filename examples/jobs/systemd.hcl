# A server that systemd runs, on a host where drydock runs as a service too. The password is a systemd credential:
# the unit of drydock says LoadCredential=orders-mysql:/etc/drydock/orders.pass, and nobody else can read it.
job "orders" {
  mysql {
    socket   = "/run/mysqld/mysqld.sock"
    user     = "drydock"
    password = credential("orders-mysql")
    data_dir = "/var/lib/mysql"

    stop_timeout  = "30m" # a large buffer pool takes its time to be written
    start_timeout = "10m"

    service "systemd" { unit = "mysql.service" }
  }

  artifact {
    name       = "${mysql.hostname}/${job.name}/${formatdate("YYYY/MM/DD", run.started)}/${run.id}/Data.zip"
    chunk_size = "256MiB"
    exclude    = ["*.pid", "*.sock", "*.err"]
  }

  compress "zstd" { level = "fastest" }

  restart = "after-capture" # MySQL is up again as soon as its files are in the spool

  target "file" "nas" { path = "/mnt/nas/backups" }
  target "file" "usb" { path = "/media/usb/backups" }

  # Once a week a run ends with a drill: the backup is restored to a scratch directory, and a real server has to run on it.
  verify {
    drill       = "weekly"
    scratch_dir = "/srv/drills"
    timeout     = "6h"

    query "there are orders" {
      sql    = "SELECT COUNT(*) > 1000 FROM shop.orders"
      expect = "1"
    }
  }

  notify "webhook" "dba" {
    on  = ["failure", "mysql-down", "recovered", "missed"]
    url = credential("dba-webhook")
  }
}
