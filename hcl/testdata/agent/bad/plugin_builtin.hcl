plugin "storage" "file" { version = "~> 1.2" }
plugin "notify" "file" { version = "~> 1.2" }
