package openaitext

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Wire is text completions as upstreams speak it. It passes requests of the dialect
// and takes no others.
type Wire struct {
	// Gateway tells the keys that never go upstream.
	Gateway func(key string) bool
	// Errors reads an unsuccessful answer of OpenAI's shape.
	Errors func(status int, h http.Header, body []byte) *llm.Error
}

var _ wire.Wire = Wire{}

// Name returns "text".
func (Wire) Name() string { return Name }

// Native returns "text".
func (Wire) Native() string { return Name }

// defaults are parameters of chat that text models have too.
var defaults = []string{
	"max_tokens", "temperature", "top_p", "n", "stop", "presence_penalty", "frequency_penalty", "logit_bias", "seed", "user",
}

// Encode copies the client's body with the model spliced.
func (w Wire) Encode(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	if req.From != Name {
		e := llm.BadRequest("model", fmt.Sprintf("The model %s/%s completes text and holds no conversations; ask it on /v1/completions.", t.Provider, t.Model))
		e.Provider, e.Model = t.Provider, t.Model
		return nil, e
	}
	c := &wire.Call{Path: "/completions", Native: true, Request: req, Target: t}
	var body rawjson.Object
	for name, v := range req.Body.Members() {
		switch {
		case w.Gateway(name) || name == "stream_options":
		case slices.Contains(t.Policy.Also, name):
			c.Dropped = append(c.Dropped, llm.Drop{What: name, Why: "named in additional_drop_params"})
		default:
			body = append(body, rawjson.Member{Key: name, Value: v})
		}
	}
	body.Set("model", rawjson.String(t.Model))
	complete(&body, req, t)
	c.Body = body.Value()
	return c, nil
}

// complete adds what the deployment says, what a fallback changes, and the wish for
// usage in a stream.
func complete(body *rawjson.Object, req *llm.Request, t *wire.Target) {
	for _, p := range t.Defaults {
		if !body.Get(p.Name).Present() && (!wire.Known(p.Name) || slices.Contains(defaults, p.Name)) {
			body.Set(p.Name, p.Value)
		}
	}
	for _, p := range t.ExtraBody {
		body.Set(p.Name, p.Value)
	}
	if req.Stream && (t.Quirks == nil || !t.Quirks.NoStreamUsage) {
		options := rawjson.ParseObject(req.Body.Get("stream_options"))
		options.Set("include_usage", rawjson.Value("true"))
		body.Set("stream_options", options.Value())
	}
}

// Response reads a whole answer.
func (w Wire) Response(_ *wire.Call, body []byte) (*llm.Response, error) {
	v, err := rawjson.Check(body)
	if err != nil {
		return nil, err
	}
	if v.Get("choices").Kind() != '[' {
		return nil, w.Errors(http.StatusInternalServerError, nil, body)
	}
	resp := &llm.Response{ID: v.Get("id").Text(), Model: v.Get("model").Text(), Usage: usageOf(v.Get("usage")), Body: v}
	resp.Created, _ = v.Get("created").Int()
	for i, c := range v.Get("choices").Elems() {
		resp.Choices = append(resp.Choices, llm.Choice{
			Index: i, Finish: llm.Finish(c.Get("finish_reason").Text()),
			Parts: []llm.Part{{Kind: llm.PartText, Text: c.Get("text").Text()}},
		})
	}
	return resp, nil
}

func usageOf(v rawjson.Value) *llm.Usage {
	if v.Kind() != '{' {
		return nil
	}
	u := &llm.Usage{}
	u.Input, _ = v.Get("prompt_tokens").Int()
	u.Output, _ = v.Get("completion_tokens").Int()
	u.Total, _ = v.Get("total_tokens").Int()
	u.CacheRead, _ = v.Path("prompt_tokens_details", "cached_tokens").Int()
	u.Reasoning, _ = v.Path("completion_tokens_details", "reasoning_tokens").Int()
	return u
}

// Stream hands chunks on with what the gateway must know of them.
func (w Wire) Stream(_ *wire.Call, r *sse.Reader) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		finished := false
		for {
			ev, err := r.Next()
			if err == io.EOF {
				if !finished {
					yield(llm.Event{}, io.ErrUnexpectedEOF)
				}
				return
			}
			if err != nil {
				yield(llm.Event{}, err)
				return
			}
			if bytes.Equal(bytes.TrimSpace(ev.Data), []byte("[DONE]")) {
				return
			}
			out, err := w.chunk(ev.Data)
			finished = finished || out.Finish != ""
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// chunk reads one chunk; one with an error in it is that error.
func (w Wire) chunk(data []byte) (llm.Event, error) {
	v, err := rawjson.Check(data)
	if err != nil {
		return llm.Event{}, err
	}
	if v.Get("error").Present() {
		return llm.Event{}, w.Errors(0, nil, data)
	}
	ev := llm.Event{Kind: llm.EventRaw, Raw: v, Usage: usageOf(v.Get("usage"))}
	for _, c := range v.Get("choices").Elems() {
		reason := c.Get("finish_reason")
		if reason.Present() {
			ev.Finish = llm.Finish(reason.Text())
		}
		ev.Content = ev.Content || reason.Present() || c.Get("text").Text() != ""
	}
	return ev, nil
}

// Error reads an unsuccessful answer.
func (w Wire) Error(status int, h http.Header, body []byte) *llm.Error {
	return w.Errors(status, h, body)
}
