package server

import (
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
)

// modelCreated is the date that LiteLLM gives every model; clients compare it.
const modelCreated = 1677610602

func (s *Server) listModels(w http.ResponseWriter, r *http.Request, c *call) error {
	q := r.URL.Query()
	patterns := q.Get("return_wildcard_routes") == "true" || (c.state.Config.General.ReturnWildcardRoutes && q.Get("return_wildcard_routes") != "false")
	metadata := q.Get("include_metadata") == "true"
	out := []byte(`{"data":[`)
	for _, m := range c.state.Models.Listed(patterns, s.Now()) {
		out = appendModel(rawjson.AppendComma(out), m, metadata)
	}
	return writeJSON(w, append(out, `],"object":"list"}`...))
}

func (s *Server) oneModel(w http.ResponseWriter, r *http.Request, c *call) error {
	id := r.PathValue("id")
	m, ok := c.state.Models.Find(id)
	if !ok {
		return &llm.Error{
			Kind: llm.KindNotFound, Status: http.StatusNotFound, Type: "invalid_request_error", Param: "model", Code: "model_not_found",
			Message: "The model `" + id + "` does not exist or is not accessible; GET /v1/models lists those that do.",
		}
	}
	return writeJSON(w, appendModel(nil, m, r.URL.Query().Get("include_metadata") == "true"))
}

func appendModel(dst []byte, m relay.ListedModel, metadata bool) []byte {
	dst = rawjson.AppendStringMember(append(dst, '{'), "id", m.ID)
	dst = rawjson.AppendStringMember(dst, "object", "model")
	dst = rawjson.AppendIntMember(dst, "created", modelCreated)
	// Clients of LiteLLM see every model as OpenAI's: they choose a protocol by it.
	dst = rawjson.AppendStringMember(dst, "owned_by", "openai")
	if mode := m.Info.Mode(); mode != "" {
		dst = rawjson.AppendStringMember(dst, "mode", mode)
	}
	if n := m.Info.MaxInput(); n > 0 {
		dst = rawjson.AppendIntMember(dst, "max_input_tokens", n)
	}
	if n := m.Info.MaxOutput(); n > 0 {
		dst = rawjson.AppendIntMember(dst, "max_output_tokens", n)
	}
	if metadata {
		dst = append(rawjson.AppendKey(dst, "metadata"), `{"fallbacks":[`...)
		for _, f := range m.Fallbacks {
			dst = rawjson.AppendString(rawjson.AppendComma(dst), f)
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, '}')
}

// modelInfo tells how each deployment is set up, without its key.
func (s *Server) modelInfo(w http.ResponseWriter, r *http.Request, c *call) error {
	only := r.URL.Query().Get("litellm_model_id")
	out := []byte(`{"data":[`)
	found := false
	for _, row := range c.state.Models.InfoRows() {
		if only != "" && row.Deployment.Config.ID != only {
			continue
		}
		found = true
		out = appendDeployment(rawjson.AppendComma(out), row, c.state.Config.Fairlead.ExposeAPIBase)
	}
	if only != "" && !found {
		return &llm.Error{
			Kind: llm.KindNotFound, Status: http.StatusNotFound, Type: "invalid_request_error", Param: "litellm_model_id",
			Message: "No deployment has the id " + only + "; GET /model/info lists all.",
		}
	}
	return writeJSON(w, append(out, "]}"...))
}

func appendDeployment(dst []byte, row relay.InfoRow, base bool) []byte {
	d := row.Deployment
	dst = rawjson.AppendStringMember(append(dst, '{'), "model_name", row.Name)
	params := []byte{'{'}
	if base && d.Config.APIBase != "" {
		params = rawjson.AppendStringMember(params, "api_base", d.Config.APIBase)
	}
	params = append(rawjson.AppendStringMember(params, "model", d.FullName()), '}')
	dst = rawjson.AppendMember(dst, "litellm_params", params)
	info := rawjson.AppendStringMember([]byte{'{'}, "id", d.Config.ID)
	info = append(rawjson.AppendKey(info, "db_model"), "false"...)
	if k := d.Info.Key(); k != "" {
		info = rawjson.AppendStringMember(info, "key", k)
	}
	info = rawjson.AppendStringMember(info, "litellm_provider", d.Row.Name)
	if mode := d.Info.Mode(); mode != "" {
		info = rawjson.AppendStringMember(info, "mode", mode)
	}
	for _, name := range publicInfo {
		if v, ok := d.Info.Raw(name); ok {
			info = rawjson.AppendMember(info, name, v)
		}
	}
	return append(rawjson.AppendMember(dst, "model_info", append(info, '}')), '}')
}

// publicInfo are the catalog's fields that clients of /model/info read.
var publicInfo = strings.Fields(`max_tokens max_input_tokens max_output_tokens input_cost_per_token output_cost_per_token
	cache_read_input_token_cost cache_creation_input_token_cost output_cost_per_reasoning_token deprecation_date
	supports_system_messages supports_response_schema supports_vision supports_function_calling supports_tool_choice
	supports_assistant_prefill supports_prompt_caching supports_audio_input supports_audio_output supports_pdf_input
	supports_web_search supports_reasoning supports_parallel_function_calling`)
