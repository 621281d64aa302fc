# Two MariaDB servers on one host, in one file. The second is stored without compression: its tables are compressed already.
job "crm" {
  mysql {
    socket   = "/run/mysqld/crm.sock"
    user     = "drydock"
    password = file("/etc/drydock/crm.pass")
    data_dir = "/srv/crm"

    service "systemd" { unit = "mariadb@crm.service" }
  }

  target "file" "nas" { path = "/mnt/nas/backups" }
}

job "archive" {
  mysql {
    socket   = "/run/mysqld/archive.sock"
    user     = "drydock"
    password = file("/etc/drydock/archive.pass")
    data_dir = "/srv/archive"

    allow_primary = true # replicas follow this server; they reconnect by themselves when it is back

    service "exec" {
      start = ["/usr/local/bin/archive-db", "start"]
      stop  = ["/usr/local/bin/archive-db", "stop"]
    }
  }

  compress "store" {}

  target "file" "nas" { path = "/mnt/nas/backups" }
}
