package server

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/form"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// formLimits: a form of this size can be sent again after a failure; a larger one is
// passed on as it comes. Files up to the larger size may stand before the model, as
// they do in most examples of curl.
var formLimits = form.Limits{Hold: 4 << 20, Search: 32 << 20}

// taskHandler serves one task; model, when not "", is what the path says.
func (s *Server) taskHandler(t *relay.Task, model string) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		rq := &relay.Request{
			ID: c.id, Start: c.start, Header: r.Header, Principal: c.principal,
			Models: c.state.Models, Dialect: c.dialect, Endpoint: "/" + t.Name, UpstreamName: model != "",
		}
		var f *form.Form
		var err error
		if isForm(r) {
			rq.LLM, f, err = s.readForm(r, c, t, model)
		} else {
			rq.LLM, err = s.readTask(w, r, c, t)
		}
		if err != nil {
			return err
		}
		nameModel(rq, t, model)
		return ended(s.Relay.Forward(r.Context(), rq, t, f, w))
	}
}

func isForm(r *http.Request) bool {
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return strings.HasPrefix(media, "multipart/")
}

// nameModel decides which model is asked for: what the path says, the request, or
// the first model of the task's kind where none need be named.
func nameModel(rq *relay.Request, t *relay.Task, path string) {
	switch {
	case path != "":
		rq.LLM.Model = path
	case rq.LLM.Model == "" && t.Mode != "":
		rq.LLM.Model = rq.Models.FirstOfMode(t.Mode)
	}
}

// ended makes sure that an answer which broke off after it began does not look whole:
// its connection is closed, unless an event has told the client.
func ended(err error) error {
	var begun *relay.BegunError
	if errors.As(err, &begun) && !begun.Told {
		panic(http.ErrAbortHandler)
	}
	return err
}

// actedOn are the keys that must not come in another case.
var actedOn = []string{"model", "stream", "api_key", "api_base", "base_url", "input", "prompt", "query", "documents"}

// readTask reads a JSON body.
func (s *Server) readTask(w http.ResponseWriter, r *http.Request, c *call, t *relay.Task) (*llm.Request, error) {
	body, err := s.readBody(w, r, c, c.state.Config.Fairlead.MaxBodyBytes)
	if err != nil {
		return nil, err
	}
	v, err := objectBody(body)
	if err != nil {
		return nil, err
	}
	req, err := taskRequest(t, v)
	if err != nil {
		return nil, err
	}
	return req, checkTask(t, req)
}

// objectBody checks a body that must be a JSON object; an empty one counts as such.
func objectBody(body []byte) (rawjson.Value, error) {
	if len(body) == 0 {
		body = []byte("{}")
	}
	v, err := rawjson.Check(body)
	if err != nil {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: "+err.Error())
	}
	if v.Kind() != '{' {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: expected an object")
	}
	if err := rawjson.Keys(v, actedOn); err != nil {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: "+err.Error())
	}
	return v, nil
}

// taskRequest reads what every task has.
func taskRequest(t *relay.Task, v rawjson.Value) (*llm.Request, error) {
	req := &llm.Request{From: t.Name, Body: v}
	for k, value := range v.Members() {
		switch {
		case k == "model" && value.Present():
			name, ok := value.Str()
			if !ok {
				return nil, llm.BadRequest("model", "'model' must be a string.")
			}
			req.Model = name
		case k != "model" && !openaichat.GatewayKey(k):
			req.Params = append(req.Params, llm.Param{Name: k, Value: value})
		}
	}
	if stream := req.Param("stream"); stream.Present() {
		on, ok := stream.Bool()
		if !ok {
			return nil, llm.BadRequest("stream", "'stream' must be true or false.")
		}
		req.Stream = on
	}
	return req, nil
}

// kinds are the kinds of JSON values that a required field may have.
var kinds = map[string]struct{ kinds, text string }{
	"input":     {`"[`, "a text or a list"},
	"prompt":    {`"`, "a text"},
	"query":     {`"`, "a text"},
	"documents": {`[`, "a list"},
}

// checkTask finds what is missing or of the wrong type.
func checkTask(t *relay.Task, req *llm.Request) error {
	if t.File != "" && t != relay.TaskImageEdits {
		return llm.BadRequest(t.File, fmt.Sprintf("/%s: send a form (multipart/form-data) with the file %q.", t.Name, t.File))
	}
	for _, name := range t.Required {
		v := req.Param(name)
		if !v.Present() {
			return missing(t, name)
		}
		want := kinds[name]
		if t == relay.TaskSpeech {
			want.kinds, want.text = `"`, "a text"
		}
		if strings.IndexByte(want.kinds, v.Kind()) < 0 {
			return llm.BadRequest(name, fmt.Sprintf("/%s: '%s' must be %s.", t.Name, name, want.text))
		}
	}
	return nil
}

func missing(t *relay.Task, name string) error {
	return llm.BadRequest(name, fmt.Sprintf("/%s: Missing required parameter: '%s'.", t.Name, name))
}

// readForm reads a form as far as it must be known before it is sent on.
func (s *Server) readForm(r *http.Request, c *call, t *relay.Task, model string) (*llm.Request, *form.Form, error) {
	limit := c.state.Config.Fairlead.MaxBodyBytes
	if r.ContentLength > limit {
		return nil, nil, tooLarge(limit)
	}
	if t.File == "" {
		return nil, nil, llm.BadRequest("request_body", fmt.Sprintf("/%s takes JSON, not a form.", t.Name))
	}
	f, err := form.Read(boundedBody(r, limit), r.Header.Get("Content-Type"), "model", formLimits)
	if err != nil {
		var bad *llm.Error
		if errors.As(err, &bad) {
			return nil, nil, bad
		}
		return nil, nil, readError(err, limit)
	}
	req, err := taskRequest(t, formObject(f))
	if err != nil {
		return nil, nil, err
	}
	if req.Model == "" && model == "" {
		req.Model = r.URL.Query().Get("model")
	}
	return req, f, checkForm(t, f, req)
}

// formObject shows the fields of a form as a JSON object: the first of each name.
func formObject(f *form.Form) rawjson.Value {
	var o rawjson.Object
	for _, field := range f.Fields() {
		if o.Get(field.Name) != nil {
			continue
		}
		v := rawjson.String(strings.ToValidUTF8(field.Value, "\uFFFD"))
		if field.Name == "stream" && (field.Value == "true" || field.Value == "false") {
			v = rawjson.Value(field.Value)
		}
		o.Set(field.Name, v)
	}
	return o.Value()
}

// checkForm finds what is missing in a form that was read to its end.
func checkForm(t *relay.Task, f *form.Form, req *llm.Request) error {
	if !f.Whole() {
		return nil
	}
	if !f.HasFile(t.File) {
		return missing(t, t.File)
	}
	for _, name := range t.Required {
		if !req.Param(name).Present() {
			return missing(t, name)
		}
	}
	return nil
}
