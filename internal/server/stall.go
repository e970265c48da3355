package server

import (
	"net/http"
	"time"
)

// shorten puts s.Stall, when it is set, in the place of the usual deadlines for slow
// clients.
func (s *Server) shorten(w http.ResponseWriter, r *http.Request) {
	if s.Stall <= 0 {
		return
	}
	if l, ok := w.(interface {
		Limit(bodyIdle, bodyTotal, writeStall time.Duration)
	}); ok {
		l.Limit(s.Stall, bodyTotal, s.Stall)
	}
	if p, ok := w.(*patient); ok {
		p.stall = s.Stall
	}
	if b, ok := r.Body.(*slowBody); ok {
		b.stall = s.Stall
	}
}
