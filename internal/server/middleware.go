package server

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/auth"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// call is one request with what the middleware found out about it.
type call struct {
	dialect   wire.Dialect
	id        string
	start     time.Time
	state     *State
	principal auth.Principal
	held      int64 // bytes of its body that are counted
}

// handler answers a request or returns the error for fail to write.
type handler func(w http.ResponseWriter, r *http.Request, c *call) error

// wrap is the middleware in reading order: what a request passes from the outside in.
func (s *Server) wrap(h handler, dialect wire.Dialect) http.Handler {
	return s.vital(s.bounded(s.roomy(s.loopGuarded(s.cors(h)))), dialect)
}

// vital is the middleware of what is answered however full the gateway is.
func (s *Server) vital(h handler, dialect wire.Dialect) http.Handler {
	if dialect == nil {
		dialect = chat
	}
	h = s.recovered(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{dialect: dialect, id: requestID(r), start: s.Now(), state: s.State()}
		setFixedHeaders(w.Header(), c.id)
		if s.draining.Load() {
			w.Header()["Connection"] = headerClose
		}
		w = underDeadlines(w, r)
		s.shorten(w, r)
		if err := h(w, r, c); err != nil {
			s.fail(w, r, c, err)
		}
	})
}

// maxCallID bounds an id that a client chose.
const maxCallID = 128

// requestID takes the client's x-litellm-call-id, or makes one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Litellm-Call-Id"); id != "" && len(id) <= maxCallID && printable(id) {
		return strings.Clone(id) // it is kept longer than the header that it is a part of
	}
	return newID()
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// newID makes a random UUID (version 4).
func newID() string {
	var b [16]byte
	// It names a request and protects nothing, so that the system need not be asked.
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var out [36]byte
	hex.Encode(out[:8], b[:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:], b[10:])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// The values are shared by all answers: building them anew costs an allocation each.
var (
	headerDeny    = []string{"DENY"}
	headerCSP     = []string{"frame-ancestors 'none'"}
	headerNosniff = []string{"nosniff"}
	headerVary    = []string{"Origin"}
	headerVersion = []string{version}
	// headerClose lets clients of kept connections look for another gateway before this
	// one closes them, perhaps just when a request is on its way.
	headerClose = []string{"close"}
)

func setFixedHeaders(h http.Header, id string) {
	h["X-Frame-Options"] = headerDeny
	h["Content-Security-Policy"] = headerCSP
	h["X-Content-Type-Options"] = headerNosniff
	h["Vary"] = headerVary
	h["X-Litellm-Version"] = headerVersion
	h["X-Litellm-Call-Id"] = []string{id}
}

// recovered turns a panic into the loss of one request: an error, or once the answer
// has begun its end in the middle.
func (s *Server) recovered(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler {
				panic(p)
			}
			s.Log.Error("a request failed with a panic", "id", c.id, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if b, ok := w.(interface{ Begun() bool }); ok && b.Begun() {
				panic(http.ErrAbortHandler) // an answer that was cut off must not end as if it were whole
			}
			err = llm.AsError(fmt.Errorf("panic: %v", p))
		}()
		return next(w, r, c)
	}
}

// bounded refuses what is more than the gateway may hold at once.
func (s *Server) bounded(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		n := s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		if limit := c.state.Config.Fairlead.MaxConcurrent; limit > 0 && n > int64(limit) {
			return tooMany(llm.KindUnavailable, http.StatusServiceUnavailable, limit, "fairlead_settings.max_concurrent (or --limit_concurrency)")
		}
		if limit := c.state.Config.General.GlobalMaxParallelRequests; limit > 0 && n > int64(limit) {
			return tooMany(llm.KindRateLimit, http.StatusTooManyRequests, limit, "general_settings.global_max_parallel_requests")
		}
		return next(w, r, c)
	}
}

func tooMany(kind llm.ErrorKind, status, limit int, key string) error {
	return &llm.Error{
		Kind: kind, Status: status, RetryAfter: time.Second,
		Message: fmt.Sprintf("The gateway already handles %d requests, as many as %s allows; try again in a second.", limit, key),
	}
}

// loopGuarded refuses a request that this very process sent.
func (s *Server) loopGuarded(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		if !upstream.Looped(r.Header, s.Instance) {
			return next(w, r, c)
		}
		return &llm.Error{
			Kind: llm.KindAPI, Status: http.StatusLoopDetected, Type: "invalid_request_error",
			Message: "This request came from this gateway itself: the api_base of a deployment leads back here. Set api_base to the provider's address, or unset OPENAI_BASE_URL in the gateway's environment.",
		}
	}
}

// cors answers browsers as LiteLLM does: any origin may ask.
func (s *Server) cors(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		origin := r.Header.Get("Origin")
		if origin == "" {
			return next(w, r, c)
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Credentials", "true")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			h.Set("Access-Control-Expose-Headers", "*")
			return next(w, r, c)
		}
		h.Set("Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
		h.Set("Access-Control-Max-Age", "600")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
		h.Set("Content-Type", "text/plain; charset=utf-8")
		_, err := w.Write([]byte("OK"))
		return clientGone(err)
	}
}

// authenticated lets known keys pass.
func (s *Server) authenticated(next handler, keyInQuery bool) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		p, refused := c.state.Auth.Check(r, keyInQuery)
		if refused != nil {
			return refused
		}
		c.principal = p
		return next(w, r, c)
	}
}
