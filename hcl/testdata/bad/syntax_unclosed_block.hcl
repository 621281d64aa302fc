job "orders" {
  mysql {
    user = "drydock"
