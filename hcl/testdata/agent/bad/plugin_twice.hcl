plugin "storage" "sftp" { version = "~> 1.2" }
plugin "notify" "sftp" { version = "~> 1.2" }
plugin "storage" "sftp" { version = "~> 1.3" }
