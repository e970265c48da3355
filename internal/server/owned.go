package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/form"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/relay"
)

// ownedPaths are the collections of things that live at one deployment.
var ownedPaths = []string{"/files", "/batches", "/fine_tuning/jobs", "/vector_stores"}

// ownedRoutes are their routes, below /v1 and, as LiteLLM has them, below /.
func (s *Server) ownedRoutes() []route {
	var out []route
	for _, path := range ownedPaths {
		for _, prefix := range [...]string{"/v1", ""} {
			for _, method := range [...]string{http.MethodGet, http.MethodPost} {
				out = append(out, route{pattern: method + " " + prefix + path, handler: s.owned})
			}
			for _, method := range [...]string{http.MethodGet, http.MethodPost, http.MethodDelete} {
				out = append(out, route{pattern: method + " " + prefix + path + "/{id...}", handler: s.owned})
			}
		}
	}
	return out
}

func (s *Server) owned(w http.ResponseWriter, r *http.Request, c *call) error {
	o := &relay.Owned{
		ID: c.id, Start: c.start, Models: c.state.Models, Method: r.Method, Header: r.Header,
		Path: strings.TrimPrefix(r.URL.EscapedPath(), "/v1"), Query: r.URL.Query(),
	}
	if err := s.readOwned(w, r, c, o); err != nil {
		return err
	}
	return ended(s.Relay.Owned(r.Context(), o, w))
}

// uploadLimits: an upload is sent once, so nothing of it is held but what stands
// before its purpose.
var uploadLimits = form.Limits{Hold: 64 << 10, Search: 32 << 20}

// readOwned reads a body of either kind.
func (s *Server) readOwned(w http.ResponseWriter, r *http.Request, c *call, o *relay.Owned) (err error) {
	limit := c.state.Config.Fairlead.MaxBodyBytes
	if !isForm(r) {
		body, err := s.readBody(w, r, c, limit)
		if err != nil || len(body) == 0 {
			return err
		}
		o.Body, err = objectBody(body)
		return err
	}
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	o.Form, err = form.Read(boundedBody(r, limit), r.Header.Get("Content-Type"), "purpose", uploadLimits)
	if err == nil {
		return checkUpload(o)
	}
	var bad *llm.Error
	if errors.As(err, &bad) {
		return bad
	}
	return readError(err, limit)
}

// checkUpload finds what is missing in an upload that was read to its end.
func checkUpload(o *relay.Owned) error {
	_, purpose := o.Form.Value("purpose")
	switch {
	case !o.Form.Whole():
		return nil
	case !o.Form.HasFile("file"):
		return llm.BadRequest("file", o.Path+": Missing required parameter: 'file'.")
	case !purpose:
		return llm.BadRequest("purpose", o.Path+": Missing required parameter: 'purpose'.")
	}
	return nil
}
