agent {
  data_dir   = "lib/drydock"
  spool_dir  = ""
  plugin_dir = 7
}
