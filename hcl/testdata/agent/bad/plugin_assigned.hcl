plugin = { storage = "sftp" }
