// Package server is the HTTP surface: routes, middleware in reading order, and
// the handlers that answer from what the gateway knows. Requests for a model go
// on to package relay.
package server

import (
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/auth"
	"github.com/fairlead-gateway/fairlead/internal/buildinfo"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/responses"
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
	// Responses keeps answers of the Responses API.
	Responses responses.Store
	// Instance names this process in the loop header.
	Instance string
	// Now is the clock.
	Now func() time.Time
	// Stall is how long a client may pause in the body of its request, and how long it
	// may take nothing of its answer; 0 means 30 s and 60 s.
	Stall time.Duration
	// MaxBodies is how many bytes of large request bodies may be held at once, 0 for no
	// limit; Crowded, when not nil, says that the memory is nearly used up. What comes
	// then is answered with 503.
	MaxBodies int64
	Crowded   func() bool

	state    atomic.Pointer[State]
	draining atomic.Bool
	inFlight atomic.Int64
	bodies   bodies
}

// Swap makes a new state the one that requests begin with.
func (s *Server) Swap(st *State) { s.state.Store(st) }

// State returns the current state.
func (s *Server) State() *State { return s.state.Load() }

// Drain makes readiness answer 503, so that load balancers stop sending requests.
func (s *Server) Drain() { s.draining.Store(true) }

// InFlight counts the requests that have begun and not ended.
func (s *Server) InFlight() int64 { return s.inFlight.Load() }

// chat is the dialect of every route that has no other.
var chat wire.Dialect = openaichat.Dialect{}

// route is one row of the route table.
type route struct {
	pattern string
	open    bool // no key needed
	// keyInQuery takes the key from ?key= too, as Google's clients send it.
	keyInQuery bool
	// probe is asked by those who decide whether the process lives: a gateway that is
	// full is well, and to end it would lose all that it does.
	probe   bool
	handler handler
	dialect wire.Dialect // of requests, answers and errors; nil means chat
}

func (s *Server) routes() []route {
	rows := []route{
		{pattern: "POST /v1/chat/completions", handler: s.chatCompletions},
		{pattern: "POST /chat/completions", handler: s.chatCompletions},
		{pattern: "POST /engines/{rest...}", handler: s.engineCompletions},
		{pattern: "POST /openai/deployments/{rest...}", handler: s.engineCompletions},

		{pattern: "GET /v1/models", handler: s.listModels},
		{pattern: "GET /models", handler: s.listModels},
		{pattern: "GET /v1/models/{id...}", handler: s.oneModel},
		{pattern: "GET /models/{id...}", handler: s.oneModel},
		{pattern: "GET /model/info", handler: s.modelInfo},
		{pattern: "GET /v1/model/info", handler: s.modelInfo},

		{pattern: "GET /health", handler: s.health},
		{pattern: "GET /health/history", handler: s.healthHistory},
		{pattern: "GET /health/latest", handler: s.healthLatest},
		{pattern: "GET /fairlead/why/{id}", handler: s.whyRequest},
		{pattern: "GET /health/liveliness", open: true, probe: true, handler: s.alive},
		{pattern: "GET /health/liveness", open: true, probe: true, handler: s.alive},
		{pattern: "GET /health/readiness", open: true, probe: true, handler: s.ready},
		{pattern: "GET /{$}", open: true, handler: s.home},
		{pattern: "GET /openapi.json", open: true, handler: s.openAPI},
	}
	rows = append(rows, s.messageRoutes()...)
	rows = append(rows, s.responseRoutes()...)
	return append(rows, s.generateContentRoutes()...)
}

// Handler builds the surface.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range append(s.routes(), s.surfaceRoutes()...) {
		h := r.handler
		if r.probe {
			mux.Handle(r.pattern, s.vital(s.cors(h), r.dialect))
			continue
		}
		if !r.open {
			h = s.authenticated(h, r.keyInQuery)
		}
		mux.Handle(r.pattern, s.wrap(h, r.dialect))
	}
	mux.Handle("/", s.wrap(s.notFound, nil))
	return singleSlashes(s.withPassThrough(mux))
}

// singleSlashes serves /v1//chat/completions, which a base URL with a slash at its
// end makes, as if it were written right: a redirect would lose the body.
func singleSlashes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for strings.Contains(r.URL.Path, "//") {
			r.URL.Path, r.URL.RawPath = strings.ReplaceAll(r.URL.Path, "//", "/"), ""
		}
		next.ServeHTTP(w, r)
	})
}

var version = buildinfo.String()
