package server

// Routes lists what the server understands, "METHOD PATH" each.
func Routes() []string {
	var all []string
	for _, r := range (&Server{}).table() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}
