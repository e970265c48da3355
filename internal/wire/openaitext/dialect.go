// Package openaitext is OpenAI's legacy text completions, POST /v1/completions, as
// clients and as upstreams speak it. For a chat model the prompt becomes a user's
// message, and the text of its answer the completion.
//
// Source: OpenAI's API reference of completions, and LiteLLM's behaviour of that route.
package openaitext

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Name is the name of the dialect and of the wire.
const Name = "text"

// Dialect is text completions as clients speak it.
type Dialect struct {
	// Gateway tells the keys that are for the gateway itself.
	Gateway func(key string) bool
	// Errors writes an error in OpenAI's shape.
	Errors func(*llm.Error) (status int, body []byte)
}

var _ wire.Dialect = Dialect{}

// Name returns "text".
func (Dialect) Name() string { return Name }

// onlyText are parameters that chat models do not have.
var onlyText = map[string]bool{"best_of": true, "echo": true, "suffix": true, "logprobs": true}

// actedOn are the keys that must not come in another case.
var actedOn = []string{"model", "prompt", "stream", "stream_options", "api_key", "api_base", "base_url"}

// Decode reads the envelope of a checked body. What only text models have is kept in
// the body, for them; for others it is reported as left out.
func (d Dialect) Decode(body rawjson.Value) (*llm.Request, error) {
	if err := rawjson.Keys(body, actedOn); err != nil {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: "+err.Error())
	}
	req := &llm.Request{From: Name, Body: body}
	for name, v := range body.Members() {
		if err := d.member(req, name, v); err != nil {
			return nil, err
		}
	}
	if !body.Get("prompt").Present() {
		return nil, llm.BadRequest("prompt", "/completions: Missing required parameter: 'prompt'.")
	}
	return req, nil
}

func (d Dialect) member(req *llm.Request, name string, v rawjson.Value) error {
	if !v.Present() {
		return nil
	}
	ok := true
	switch name {
	case "model":
		if req.Model, ok = v.Str(); !ok {
			return llm.BadRequest(name, "'model' must be a string.")
		}
	case "stream":
		if req.Stream, ok = v.Bool(); !ok {
			return llm.BadRequest(name, "'stream' must be true or false.")
		}
	case "stream_options":
		if v.Kind() != '{' {
			return llm.BadRequest(name, "'stream_options' must be an object.")
		}
		req.IncludeUsage = v.Get("include_usage").True()
	case "prompt":
		if k := v.Kind(); k != '"' && k != '[' {
			return llm.BadRequest(name, "'prompt' must be a text or a list.")
		}
	default:
		if !onlyText[name] && !d.Gateway(name) {
			req.Params = append(req.Params, llm.Param{Name: name, Value: v})
		}
	}
	return nil
}

// Expand makes the prompt a user's message.
func (Dialect) Expand(req *llm.Request) error {
	prompt := req.Body.Get("prompt")
	if prompt.Kind() == '[' {
		if prompt.Len() != 1 {
			return llm.BadRequest("prompt", fmt.Sprintf("'prompt' holds %d entries; a chat model completes one text, send one request for each.", prompt.Len()))
		}
		prompt = prompt.First()
	}
	text, ok := prompt.Str()
	if !ok {
		return llm.BadRequest("prompt", "'prompt' holds tokens; a chat model completes text only.")
	}
	req.Messages = []llm.Message{{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: text}}}}
	for name, v := range req.Body.Members() {
		if onlyText[name] && v.Present() && string(v) != "false" {
			req.Drops = append(req.Drops, llm.Drop{What: name, Why: "chat models do not have it"})
		}
	}
	return nil
}

// Response writes a whole answer.
func (Dialect) Response(_ *llm.Request, resp *llm.Response, a wire.Answer) []byte {
	if resp.Body != nil {
		return withModel(resp.Body, a.Model)
	}
	dst := appendHead(make([]byte, 0, 512), answerID(resp.ID, a), created(resp.Created, a), a.Model)
	dst = append(rawjson.AppendKey(dst, "choices"), '[')
	for i := range resp.Choices {
		c := &resp.Choices[i]
		dst = append(appendChoice(rawjson.AppendComma(dst), c.Index, textOf(c.Parts), finish(c.Finish)), '}')
	}
	dst = append(dst, ']')
	if resp.Usage != nil {
		dst = appendUsage(rawjson.AppendKey(dst, "usage"), resp.Usage)
	}
	return append(dst, '}')
}

// Error writes an error as the chat dialect does.
func (d Dialect) Error(e *llm.Error) (status int, body []byte) { return d.Errors(e) }

func textOf(parts []llm.Part) string {
	var text string
	for i := range parts {
		if p := &parts[i]; p.Kind == llm.PartText || p.Kind == llm.PartRefusal {
			text += p.Text
		}
	}
	return text
}

func answerID(id string, a wire.Answer) string {
	if id == "" {
		return "cmpl-" + a.CallID
	}
	return id
}

func created(at int64, a wire.Answer) int64 {
	if at > 0 {
		return at
	}
	return a.Created
}

// finish knows fewer reasons than chat does.
func finish(f llm.Finish) string {
	switch f {
	case llm.FinishLength, llm.FinishContentFilter:
		return string(f)
	}
	return string(llm.FinishStop)
}

func appendHead(dst []byte, id string, at int64, model string) []byte {
	dst = rawjson.AppendStringMember(append(dst, '{'), "id", id)
	dst = rawjson.AppendStringMember(dst, "object", "text_completion")
	dst = rawjson.AppendIntMember(dst, "created", at)
	return rawjson.AppendStringMember(dst, "model", model)
}

// appendChoice appends a choice without its closing brace; reason "" is null.
func appendChoice(dst []byte, index int, text, reason string) []byte {
	dst = rawjson.AppendStringMember(append(dst, '{'), "text", text)
	dst = rawjson.AppendIntMember(dst, "index", int64(index))
	dst = append(dst, `,"logprobs":null,"finish_reason":`...)
	if reason == "" {
		return append(dst, "null"...)
	}
	return rawjson.AppendString(dst, reason)
}

func appendUsage(dst []byte, u *llm.Usage) []byte {
	total := u.Total
	if total == 0 {
		total = u.Input + u.Output
	}
	dst = rawjson.AppendIntMember(append(dst, '{'), "prompt_tokens", u.Input)
	dst = rawjson.AppendIntMember(dst, "completion_tokens", u.Output)
	dst = rawjson.AppendIntMember(dst, "total_tokens", total)
	dst = append(rawjson.AppendKey(dst, "prompt_tokens_details"), '{')
	dst = append(rawjson.AppendIntMember(dst, "cached_tokens", u.CacheRead), '}')
	dst = append(rawjson.AppendKey(dst, "completion_tokens_details"), '{')
	return append(rawjson.AppendIntMember(dst, "reasoning_tokens", u.Reasoning), "}}"...)
}

// withModel puts the client's name of the model into a body that passes.
func withModel(body rawjson.Value, model string) []byte {
	for f := range body.Fields() {
		if f.Key.Is("model") {
			out := append(make([]byte, 0, len(body)+len(model)), body[:f.Start]...)
			return append(rawjson.AppendString(out, model), body[f.End:]...)
		}
	}
	return body
}
