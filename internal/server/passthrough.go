package server

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// passMethods are the methods of a provider's own API.
var passMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// passRoutes are the routes of providers' own APIs.
func (s *Server) passRoutes() []route {
	out := []route{
		{pattern: "POST /anthropic/v1/messages", handler: s.belowAnthropic(s.createMessage), dialect: messages},
		{pattern: "POST /anthropic/v1/messages/count_tokens", handler: s.belowAnthropic(s.countMessageTokens), dialect: messages},
	}
	add := func(prefix string, r route) {
		for _, method := range passMethods {
			r.pattern = method + " " + prefix + "/{endpoint...}"
			out = append(out, r)
		}
	}
	for _, name := range relay.PassProviders {
		r := route{handler: s.passTo("/"+name, name)}
		switch name {
		case "anthropic":
			r.dialect = messages
		case "gemini":
			r.dialect, r.keyInQuery = generateContent, true
		}
		add("/"+name, r)
	}
	add("/openai_passthrough", route{handler: s.passTo("/openai_passthrough", "openai")})
	for _, prefix := range []string{"/vertex_ai", "/vertex-ai"} { // LiteLLM has both
		add(prefix, route{handler: s.passTo(prefix, "vertex_ai"), dialect: generateContent, keyInQuery: true})
	}
	add("/bedrock", route{handler: s.passTo("/bedrock", "bedrock"), dialect: amazon{}})
	return out
}

// amazon is what the gateway's own errors are written in below /bedrock: OpenAI's form,
// with the sentence and the class also where Amazon's clients look for them.
type amazon struct{ openaichat.Dialect }

// Error implements wire.Dialect.
func (amazon) Error(e *llm.Error) (status int, body []byte) {
	status, body = chat.Error(e)
	o := rawjson.ParseObject(body)
	o.Set("message", rawjson.String(e.Message))
	o.Set("__type", rawjson.String(amazonClass(status)))
	return status, o.Value()
}

func amazonClass(status int) string {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "AccessDeniedException"
	case status == http.StatusNotFound:
		return "ResourceNotFoundException"
	case status == http.StatusTooManyRequests:
		return "ThrottlingException"
	case status >= http.StatusInternalServerError:
		return "ServiceUnavailableException"
	}
	return "ValidationException"
}

// passTo passes requests below prefix through to a provider.
func (s *Server) passTo(prefix, provider string) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		p, err := s.pass(r, c)
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(r.URL.EscapedPath(), prefix)
		if err := c.state.Models.PassTo(p, provider, path, r.URL.Query()); err != nil {
			return err
		}
		return ended(s.Relay.Pass(r.Context(), p, w))
	}
}

func (s *Server) pass(r *http.Request, c *call) (*relay.Pass, error) {
	limit := c.state.Config.Fairlead.MaxBodyBytes
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	return &relay.Pass{
		ID: c.id, Start: c.start, Method: r.Method, Header: r.Header,
		Body: boundedBody(r, limit), Length: r.ContentLength, Dialect: c.dialect,
	}, nil
}

// belowAnthropic serves /anthropic, where clients of LiteLLM look: Messages of a configured model
// are answered as h does on its own path; any other model is Anthropic's own and
// passes through.
func (s *Server) belowAnthropic(h handler) handler {
	pass := s.passTo("/anthropic", "anthropic")
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		body, err := s.readBody(w, r, c, c.state.Config.Fairlead.MaxBodyBytes)
		if err != nil {
			return err
		}
		v, err := checkObject(body)
		if err != nil {
			return err
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		if c.state.Models.Configured(v.Get("model").Text()) {
			return h(w, r, c)
		}
		return pass(w, r, c)
	}
}

// withPassThrough serves the operator's own routes (pass_through_endpoints) before
// all others: whoever writes a path into the configuration means it.
func (s *Server) withPassThrough(next http.Handler) http.Handler {
	open := s.wrap(s.passCustom, nil)
	closed := s.wrap(s.authenticated(s.passCustom, false), nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := customRoute(s.State().Config, r.URL.EscapedPath())
		switch {
		case p == nil:
			next.ServeHTTP(w, r)
		case p.Auth:
			closed.ServeHTTP(w, r)
		default:
			open.ServeHTTP(w, r)
		}
	})
}

// customRoute finds the operator's route for a path, the longest first, and what
// follows its path.
func customRoute(c *config.Config, path string) (found *config.PassThrough, rest string) {
	for i := range c.General.PassThrough {
		p := &c.General.PassThrough[i]
		after, ok := strings.CutPrefix(path, p.Path)
		if !ok || after != "" && after != "/" && !(p.IncludeSubpath && after[0] == '/') {
			continue
		}
		if found == nil || len(p.Path) > len(found.Path) {
			found, rest = p, after
		}
	}
	if found != nil && !found.IncludeSubpath {
		rest = ""
	}
	return found, rest
}

func (s *Server) passCustom(w http.ResponseWriter, r *http.Request, c *call) error {
	route, rest := customRoute(c.state.Config, r.URL.EscapedPath())
	if route == nil { // a reload between two looks
		return s.notFound(w, r, c)
	}
	if len(route.Methods) > 0 && !slices.Contains(route.Methods, r.Method) {
		w.Header().Set("Allow", strings.Join(route.Methods, ", "))
		return &llm.Error{
			Kind: llm.KindAPI, Status: http.StatusMethodNotAllowed, Type: "invalid_request_error",
			Message: fmt.Sprintf("%s takes %s only.", route.Path, strings.Join(route.Methods, ", ")),
		}
	}
	p, err := s.pass(r, c)
	if err != nil {
		return err
	}
	if err := c.state.Models.PassCustom(p, route, rest, url.Values(r.URL.Query())); err != nil {
		return err
	}
	return ended(s.Relay.Pass(r.Context(), p, w))
}
