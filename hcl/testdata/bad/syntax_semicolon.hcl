job "a" {
  mysql {
    user = "é" ; port = 3
  }
}
