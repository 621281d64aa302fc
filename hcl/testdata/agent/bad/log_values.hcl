log {
  level  = "inof"
  format = json
}
