package server

import (
	"maps"
	"net/http"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
)

// inspectRoutes are LiteLLM's /utils routes: what the gateway would do, without doing
// it.
func (s *Server) inspectRoutes() []route {
	return []route{
		{pattern: "POST /utils/token_counter", handler: s.countTokens},
		{pattern: "GET /utils/supported_openai_params", handler: s.supportedParams},
		{pattern: "POST /utils/transform_request", handler: s.transformRequest},
	}
}

func (s *Server) readObject(w http.ResponseWriter, r *http.Request, c *call) (rawjson.Value, error) {
	body, err := s.readBody(w, r, c, c.state.Config.Fairlead.MaxBodyBytes)
	if err != nil {
		return nil, err
	}
	return objectBody(body)
}

// countTokens counts a prompt or messages: by an estimate, or with
// ?call_endpoint=true by the provider itself where it counts.
func (s *Server) countTokens(w http.ResponseWriter, r *http.Request, c *call) error {
	v, err := s.readObject(w, r, c)
	if err != nil {
		return err
	}
	model, ok := v.Get("model").Str()
	if !ok {
		return llm.BadRequest("model", "/utils/token_counter: 'model' must be a text.")
	}
	n, kind, err := s.tokensOf(w, r, c, v)
	if err != nil {
		return err
	}
	out := rawjson.AppendIntMember([]byte{'{'}, "total_tokens", n)
	out = rawjson.AppendStringMember(out, "request_model", model)
	out = rawjson.AppendStringMember(out, "model_used", c.state.Models.UpstreamName(model))
	return writeJSON(w, append(rawjson.AppendStringMember(out, "tokenizer_type", kind), '}'))
}

func (s *Server) tokensOf(w http.ResponseWriter, r *http.Request, c *call, v rawjson.Value) (n int64, kind string, err error) {
	if prompt := v.Get("prompt"); prompt.Present() {
		n, ok := promptTokens(prompt)
		if !ok {
			return 0, "", llm.BadRequest("prompt", "/utils/token_counter: 'prompt' must be a text or a list of texts.")
		}
		return n, "estimate", nil
	}
	if !v.Get("messages").Present() {
		return 0, "", llm.BadRequest("messages", "/utils/token_counter: Missing required parameter: 'messages' (or 'prompt').")
	}
	req, err := chat.Decode(v)
	if err != nil {
		return 0, "", err
	}
	if r.URL.Query().Get("call_endpoint") == "true" {
		n, estimated, err := s.Relay.Count(r.Context(), s.request(r, c, req), w)
		if !estimated {
			return n, "provider", err
		}
		return n, "estimate", err
	}
	if err := chat.Expand(req); err != nil {
		return 0, "", err
	}
	return tokens.Request(req), "estimate", nil
}

func promptTokens(v rawjson.Value) (int64, bool) {
	if text, ok := v.Str(); ok {
		return tokens.Text(text), true
	}
	var n int64
	for _, e := range v.Elems() {
		text, ok := e.Str()
		if !ok {
			return 0, false
		}
		n += tokens.Text(text)
	}
	return n, v.Kind() == '['
}

func (s *Server) supportedParams(w http.ResponseWriter, r *http.Request, c *call) error {
	model := r.URL.Query().Get("model")
	names, ok := c.state.Models.SupportedParams(model)
	if !ok {
		return llm.BadRequest("model", "/utils/supported_openai_params: the provider of this model is not known; ask for a model that is served, or write provider/model.")
	}
	out := []byte(`{"supported_openai_params":[`)
	for _, name := range names {
		out = rawjson.AppendString(rawjson.AppendComma(out), name)
	}
	return writeJSON(w, append(out, "]}"...))
}

// transformRequest shows a chat request as it would go upstream.
func (s *Server) transformRequest(w http.ResponseWriter, r *http.Request, c *call) error {
	v, err := s.readObject(w, r, c)
	if err != nil {
		return err
	}
	if kind := v.Get("call_type").Text(); kind != "" && kind != "completion" && kind != "acompletion" {
		return llm.BadRequest("call_type", "/utils/transform_request shows chat requests only: 'call_type' must be completion.")
	}
	body := v.Get("request_body")
	if body.Kind() != '{' {
		return llm.BadRequest("request_body", "/utils/transform_request: 'request_body' must be the object of a chat request.")
	}
	req, err := chat.Decode(body)
	if err != nil {
		return err
	}
	t, err := s.Relay.Transform(r.Context(), s.request(r, c, req))
	if err != nil {
		return err
	}
	out := rawjson.AppendStringMember([]byte{'{'}, "raw_request_api_base", t.URL)
	out = rawjson.AppendMember(out, "raw_request_body", t.Body)
	out = append(rawjson.AppendKey(out, "raw_request_headers"), '{')
	for _, name := range slices.Sorted(maps.Keys(t.Header)) {
		out = rawjson.AppendStringMember(out, name, t.Header.Get(name))
	}
	out = appendDropped(append(out, '}'), t.Dropped)
	if dropped := t.DroppedHeader(); dropped != "" {
		w.Header()["X-Fairlead-Dropped"] = []string{dropped}
	}
	return writeJSON(w, append(out, '}'))
}

// appendDropped appends the member that says what would be lost on the way, which
// LiteLLM's answer has no place for.
func appendDropped(dst []byte, drops []llm.Drop) []byte {
	dst = append(rawjson.AppendKey(dst, "fairlead_dropped"), '[')
	for _, d := range drops {
		dst = rawjson.AppendStringMember(append(rawjson.AppendComma(dst), '{'), "what", d.What)
		dst = append(rawjson.AppendStringMember(dst, "why", d.Why), '}')
	}
	return append(dst, ']')
}
