// Package server is the HTTP surface: routes, middleware in reading order, and
// the handlers that answer from what the gateway knows. Requests for a model go
// on to package relay.
package server

import (
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/auth"
	"github.com/fairlead-gateway/fairlead/internal/buildinfo"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// State is everything that a reload replaces at once. It is immutable; a request
// keeps the one that it began with.
type State struct {
	Config *config.Config
	Auth   *auth.Checker
	Models *relay.Models
}

// Server answers HTTP requests. Its exported fields are set before Handler is
// called and not changed after.
type Server struct {
	Log   *slog.Logger
	Relay *relay.Relay
	// Instance names this process in the loop header.
	Instance string
	// Now is the clock.
	Now func() time.Time

	state    atomic.Pointer[State]
	draining atomic.Bool
	inFlight atomic.Int64
}

// Swap makes a new state the one that requests begin with.
func (s *Server) Swap(st *State) { s.state.Store(st) }

// State returns the current state.
func (s *Server) State() *State { return s.state.Load() }

// Drain makes readiness answer 503, so that load balancers stop sending requests.
func (s *Server) Drain() { s.draining.Store(true) }

// chat is the one dialect of this surface so far.
var chat wire.Dialect = openaichat.Dialect{}

// route is one row of the route table.
type route struct {
	pattern string
	open    bool // no key needed
	handler handler
}

func (s *Server) routes() []route {
	return []route{
		{"POST /v1/chat/completions", false, s.chatCompletions},
		{"POST /chat/completions", false, s.chatCompletions},
		{"POST /engines/{rest...}", false, s.engineCompletions},
		{"POST /openai/deployments/{rest...}", false, s.engineCompletions},

		{"GET /v1/models", false, s.listModels},
		{"GET /models", false, s.listModels},
		{"GET /v1/models/{id...}", false, s.oneModel},
		{"GET /models/{id...}", false, s.oneModel},
		{"GET /model/info", false, s.modelInfo},
		{"GET /v1/model/info", false, s.modelInfo},

		{"GET /health", false, s.health},
		{"GET /health/liveliness", true, s.alive},
		{"GET /health/liveness", true, s.alive},
		{"GET /health/readiness", true, s.ready},
		{"GET /{$}", true, s.home},
		{"GET /openapi.json", true, s.openAPI},
	}
}

// Handler builds the surface.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.routes() {
		h := r.handler
		if !r.open {
			h = s.authenticated(h)
		}
		mux.Handle(r.pattern, s.wrap(h))
	}
	mux.Handle("/", s.wrap(s.notFound))
	return mux
}

var version = buildinfo.String()
