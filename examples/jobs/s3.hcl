# A bucket of Amazon S3 away from the host, and a local copy for a quick restore. The keys come from the instance's role;
# backups are locked for 30 days, so nobody who takes over this host can delete them.
job "orders-s3" {
  mysql {
    socket   = "/run/mysqld/mysqld.sock"
    user     = "drydock"
    password = credential("orders-mysql")
    data_dir = "/var/lib/mysql"

    service "systemd" { unit = "mysql.service" }
  }

  target "s3" "offsite" {
    bucket      = "acme-backups"
    prefix      = "mysql/"
    region      = "eu-central-1"
    encryption  = "aws:kms"
    object_lock = true
    lock_for    = "30d"
    bandwidth   = "50MiB"
  }

  target "file" "nas" { path = "/mnt/nas/backups" }
}
