package server

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
)

func TestAnswersOfAGatewayThatStopsEndTheirConnections(t *testing.T) {
	s := &Server{Now: time.Now}
	s.Swap(&State{Config: &config.Config{}})
	h := s.Handler()
	for _, want := range []string{"", "close"} {
		for _, path := range []string{"/health/readiness", "/openapi.json"} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
			if got := w.Header().Get("Connection"); got != want {
				t.Errorf("%s: Connection %q, want %q", path, got, want)
			}
		}
		s.Drain()
	}
}
