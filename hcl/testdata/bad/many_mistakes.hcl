job "orders" {
	mysql {
		hots     = "db1"   # tabs before this
		port     = "3306"
		user     = drydock
		data_dir = "mysql"
		stop_timeout = "ten minutes"
		service "exec" { start = [] }
	}
	artifact {
		name       = "Data.zip"
		chunk_size = "1KiB"
	}
	compress "zstd" { level = "fastst" }
	compress "store" {}
	restart = "never"
	encrypt { recipients = ["age1..."] }
}
