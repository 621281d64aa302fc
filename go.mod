module github.com/drydock-backup/drydock

go 1.26
