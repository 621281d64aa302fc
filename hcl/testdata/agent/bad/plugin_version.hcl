plugin "storage" "sftp" {}
plugin "storage" "dav" { version = "latest" }
plugin "storage" "ftp" { version = 1.2 }
plugin "storage" "scp" { version = "" }
plugin "storage" "nfs" { versions = "1.2" }
plugin "storage" "smb" { version = env("SMB_VERSION") }
