package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func (s *Server) chatCompletions(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.complete(w, r, c, nil)
}

// engineCompletions serves /engines/{model}/chat/completions and Azure's
// /openai/deployments/{model}/chat/completions; a model's name may hold slashes.
func (s *Server) engineCompletions(w http.ResponseWriter, r *http.Request, c *call) error {
	if h := s.engineTask(r.PathValue("rest")); h != nil {
		return h(w, r, c)
	}
	model, ok := strings.CutSuffix(r.PathValue("rest"), "/chat/completions")
	if !ok || model == "" {
		return s.notFound(w, r, c)
	}
	if m, err := url.PathUnescape(model); err == nil {
		model = m
	}
	return s.complete(w, r, c, func(rq *relay.Request) error {
		rq.LLM.Model, rq.UpstreamName = model, true
		return nil
	})
}

// complete reads a body in the dialect of the call and relays it. prepare, when
// not nil, adds what the path says.
func (s *Server) complete(w http.ResponseWriter, r *http.Request, c *call, prepare func(*relay.Request) error) error {
	body, err := s.readBody(w, r, c, c.state.Config.Fairlead.MaxBodyBytes)
	if err != nil {
		return err
	}
	req, err := decode(c.dialect, body)
	if err != nil {
		return err
	}
	return s.relayRequest(w, r, c, req, prepare)
}

// decode checks and reads a body, in one pass where the dialect can.
func decode(d wire.Dialect, body []byte) (*llm.Request, error) {
	if raw, ok := d.(wire.RawDecoder); ok && len(body) > 0 {
		return raw.DecodeRaw(body)
	}
	v, err := checkObject(body)
	if err != nil {
		return nil, err
	}
	return d.Decode(v)
}

func (s *Server) relayRequest(w http.ResponseWriter, r *http.Request, c *call, req *llm.Request, prepare func(*relay.Request) error) error {
	rq := s.request(r, c, req)
	if prepare != nil {
		if err := prepare(rq); err != nil {
			return err
		}
	}
	applyGeneral(&c.state.Config.General, req)
	if names := c.state.Models.List(req.Model); len(names) > 1 {
		return s.completeEach(w, r, rq, names)
	}
	return s.Relay.Serve(r.Context(), rq, w)
}

func (s *Server) request(r *http.Request, c *call, req *llm.Request) *relay.Request {
	return &relay.Request{
		ID: c.id, Start: c.start, Header: r.Header, Principal: c.principal,
		Models: c.state.Models, Dialect: c.dialect, LLM: req,
	}
}

// applyGeneral puts the operator's general settings over the client's wishes.
func applyGeneral(g *config.GeneralSettings, req *llm.Request) {
	if g.CompletionModel != "" {
		req.Model = g.CompletionModel
	}
	if g.AlwaysIncludeStreamUsage {
		req.IncludeUsage = true
	}
}

// maxPrealloc bounds what a declared length alone makes us allocate.
const maxPrealloc = 1 << 20

// readBody reads at most limit bytes and never more than one beyond.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, c *call, limit int64) ([]byte, error) {
	if enc := r.Header.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return nil, &llm.Error{
			Kind: llm.KindBadRequest, Status: http.StatusUnsupportedMediaType, Type: "invalid_request_error",
			Message: "The request body has the content encoding " + enc[:min(len(enc), 40)] + "; send it without one.",
		}
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	if n := r.ContentLength; n >= 0 && n <= maxPrealloc {
		if n > smallBody {
			if err := s.take(r.Context(), c, n); err != nil {
				return nil, err
			}
		}
		buf := make([]byte, n)
		_, err := io.ReadFull(r.Body, buf)
		return buf, readError(err, limit)
	}
	buf, err := io.ReadAll(&metered{Reader: http.MaxBytesReader(w, r.Body, limit), first: s.firstStep(r.ContentLength), ctx: r.Context(), s: s, c: c})
	return buf, readError(err, limit)
}

func readError(err error, limit int64) error {
	if err == nil {
		return nil
	}
	var shed *llm.Error
	if errors.As(err, &shed) {
		return shed
	}
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return tooLarge(limit)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &llm.Error{Kind: llm.KindBadRequest, Status: http.StatusRequestTimeout, Type: "invalid_request_error", Message: "The request body did not arrive in time.", Cause: err}
	}
	return &llm.Error{Kind: llm.KindBadRequest, Status: http.StatusBadRequest, Message: "The request body ended before its declared length.", Cause: err}
}

func tooLarge(limit int64) error {
	return &llm.Error{
		Kind: llm.KindBadRequest, Status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error",
		Message: fmt.Sprintf("The request body is larger than %d bytes, the limit of this gateway (fairlead_settings.max_body_mb).", limit),
	}
}
