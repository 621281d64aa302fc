# Everything that the language has, none of it at its default.
job "orders" {
  mysql {
    host          = env("DB_HOST")
    port          = env("DB_PORT")
    user          = "drydock"
    password      = file("secret.txt")
    data_dir      = "/var/lib/mysql/"
    stop_timeout  = "1h30m"
    start_timeout = "1d"
    max_downtime  = "45m"
    allow_primary = true

    service "exec" {
      start = ["/usr/local/bin/start-mysql", "--user=mysql"]
      stop  = ["/usr/local/bin/stop-mysql"]
    }
  }

  artifact {
    name            = "${lower(mysql.hostname)}/${job.name}/${run.type}-${mysql.server_id}/${run["id"]}/Data.zip"
    chunk_size      = "1GiB"
    exclude         = ["*.pid", "tmp/**", "**/*.sock"]
    include_keyring = true
  }

  compress "zstd" { level = "best" }

  encrypt {
    passphrase = file("passphrase.txt")
    recipients = ["age1vh24rrnp70544t4s6qjep5jsxqdfvvxhq9n7gypw6q938egecfhqjjr94c"]
  }

  verify {
    drill       = "14d"
    mysqld      = "/usr/sbin/mysqld"
    scratch_dir = "/srv/drills"
    timeout     = "4h"
    keyring     = ["/etc/drydock/orders.keyring"]
    query "there are orders" {
      sql    = "SELECT COUNT(*) > 1000 FROM shop.orders"
      expect = "1"
    }
  }

  restart = "after-capture"

  target "file" "nas" {
    path = "/mnt/nas/${job.name}"
    sync = "never"
  }
  target "object" "offsite" {
    bucket     = join("-", ["acme", host.name])
    secret_key = "s3cr3t"
    part_size  = "64MiB"
    timeout    = "1d12h"
    retries    = 1 + 4
    path_style = true
    tags       = { team = "db", "stage" = upper("prod") }
    regions    = ["eu"]
  }

  notify "webhook" "dba" {
    on  = ["failure", "mysql-down"]
    url = format("https://hooks.example.com/%s", env("HOOK"))
  }
}
