package server

import "net/http"

// UnderDeadlines is underDeadlines, for tests.
var UnderDeadlines = underDeadlines

// Panicking is a handler in the middleware that panics after f.
func (s *Server) Panicking(f http.HandlerFunc) http.Handler {
	return s.wrap(func(w http.ResponseWriter, r *http.Request, _ *call) error {
		f(w, r)
		panic("oops")
	}, nil)
}
