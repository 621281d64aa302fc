# A database whose backups go to a drydock-receiver, a server of its own. "drydock-receiver enroll billing" made the
# bundle in /etc/drydock/pki.
job "billing" {
  mysql {
    host     = "127.0.0.1"
    user     = "drydock"
    password = file("/etc/drydock/crm.pass")
    data_dir = "/var/lib/mysql"

    service "systemd" {
      unit = "mysql.service"
    }
  }

  target "receiver" "vault" {
    address   = "vault.internal:7441"
    ca_file   = "/etc/drydock/pki/ca.pem"
    cert_file = "/etc/drydock/pki/agent.pem"
    key_file  = "/etc/drydock/pki/agent-key.pem"
    rate      = "80MiB"
  }
}
