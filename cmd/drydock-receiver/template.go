package main

// template is the configuration that init writes.
const template = `# The receiver. "drydock-receiver check" tells what is wrong with this file; SIGHUP (systemctl reload) reads it again.
# A file with mistakes never replaces one without. Every setting is described in docs/admin/receiver.md.

receiver {
  # Addresses to listen on. Without them, only the sockets that systemd hands over are used.
  listen = [@listen@]

  # Directory that holds everything. It must exist: when a disk is not mounted, nothing is written beneath.
  root = @root@

  # Directories of the clients below root: text with ${client} and ${group}. Fixed once there are backups.
  # layout = "${group}/${client}"

  # Uploads that nobody touched for so long are dropped.
  # partial_ttl = "7d"

  # A client that sends or takes nothing for so long is cut off.
  # stall_timeout = "1m"

  # How long requests may take to come to their end when the server is told to stop.
  # drain_timeout = "5m"

  # max_chunk       = "1GiB"
  # max_connections = 1024   # of all clients together
  # max_transfers   = 32     # chunks and reads that move at the same time; each takes 1 or 2 MiB of memory
}

# Replaced files are noticed within seconds, without a restart.
tls {
  ca_file      = @ca@
  cert_file    = @cert@
  key_file     = @key@
  revoked_file = @revoked@
}

# What holds for every client.
limits {
  # Clients can add and read, but not delete: a stolen agent key cannot destroy backups. Retention is then done here.
  # append_only = true

  # Objects that are younger cannot be deleted.
  # retention_floor = "30d"

  # quota       = "2TiB"     # of objects and unfinished uploads
  # rate        = "100MiB"   # per second, in each direction
  # transfers   = 8          # chunks and reads at the same time
  # connections = 64
  # group       = "default"  # for layout
}

# What holds for one client, by the name that it was enrolled with. What is not set here comes from "limits".
# client "orders-db" {
#   quota       = "500GiB"
#   append_only = true
# }

# Prometheus metrics (/metrics) and health (/healthz), without a certificate: for an address that only you reach.
# metrics {
#   listen = "127.0.0.1:7442"
# }

log {
  # level  = "info"                                # debug, info, warn, error
  # access = "/var/log/drydock-receiver/access"    # one JSON record for each request; default: standard output
}
`
