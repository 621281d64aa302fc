agent {
  jobs_dir = "jobs.d"
}

queue {
  max_bytes = 100
  retry_min = "2h"
  retry_max = "1h"
  patience  = "1h"
  limit     = "1GiB"
}
