job "café" {
}
