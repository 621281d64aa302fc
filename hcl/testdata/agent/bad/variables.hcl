agent {
  data_dir  = "/var/lib/${job.name}"
  spool_dir = "/var/spool/${host.nmae}/${run.id}"
}
