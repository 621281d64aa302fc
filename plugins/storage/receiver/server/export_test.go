package server

import "net/http"

// Routes lists what the server understands, "METHOD PATH" each.
func Routes() []string {
	var all []string
	for _, r := range (&Server{}).table() {
		all = append(all, r.method+" "+r.path)
	}
	return all
}

// Find returns the path of the route of a request, and sets its path values.
func Find(r *http.Request) (string, error) {
	s := &Server{}
	s.routes = s.table()
	found, err := s.find(r)
	if err != nil {
		return "", err
	}
	return found.path, nil
}

// DecodeJSON reads one JSON value strictly.
func DecodeJSON(text []byte, to any) error { return decodeJSON(text, to) }

// CheckQuery refuses parameters that are not allowed, or stand twice.
func CheckQuery(r *http.Request, allowed []string) error { return checkQuery(r, allowed) }
