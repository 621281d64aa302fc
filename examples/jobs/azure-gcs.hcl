# Two clouds of two vendors. In Azure the machine's managed identity proves who it is; in Google Cloud a service account
# that the machine's credentials may act as. In both nobody can delete a backup for 30 days.
job "orders-clouds" {
  mysql {
    socket   = "/run/mysqld/mysqld.sock"
    user     = "drydock"
    password = credential("orders-mysql")
    data_dir = "/var/lib/mysql"

    service "systemd" { unit = "mysql.service" }
  }

  target "azure" "cold" {
    account    = "acme"
    container  = "backups"
    prefix     = "mysql/"
    credential = "managed-identity"
    tier       = "cool"
    retain_for = "30d"
  }

  target "gcs" "third" {
    bucket      = "acme-backups"
    prefix      = "mysql/"
    impersonate = "backup@acme.iam.gserviceaccount.com"
    retain_for  = "30d"
    bandwidth   = "50MiB"
  }
}
