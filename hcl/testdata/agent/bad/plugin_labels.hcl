plugin "storage" { version = "1.0" }
plugin "storgae" "sftp" { version = "1.0" }
plugin "notify" "../evil" { version = "1.0" }
plugin "notify" "SMTP" { version = "1.0" }
plugin "notify" "a" "b" { version = "1.0" }
