package openairesponses

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Response reads a whole answer.
func (Wire) Response(c *wire.Call, body []byte) (*llm.Response, error) {
	v, err := rawjson.Check(body)
	if err != nil {
		return nil, errtext.NoAnswer("is not JSON", err)
	}
	if v.Kind() != '{' {
		return nil, errtext.NoAnswer("is not an object", nil)
	}
	if failed := v.Get("error"); failed.Present() {
		return nil, errorWithin(failed)
	}
	switch status := v.Get("status").Text(); {
	case status == "failed", status == "cancelled":
		return nil, errtext.NoAnswer("has the status "+status+" and no error that says why", nil)
	case !c.Native && (status == "queued" || status == "in_progress"):
		return nil, errtext.NoAnswer("is not complete: its status is "+status, nil)
	}
	if v.Get("output").Kind() != '[' {
		return nil, errtext.NoAnswer("has no output", nil)
	}
	resp := readEnvelope(v)
	resp.Usage = parseUsage(v.Get("usage"))
	choice := llm.Choice{Finish: finishOf(v)}
	if c.Native && !streams(c) {
		resp.Body = v
		f := follower{call: c}
		for _, it := range v.Get("output").Elems() {
			f.item(it)
		}
	} else {
		for _, it := range v.Get("output").Elems() {
			readOutput(c, it, &choice)
		}
	}
	for i := range choice.Parts {
		if call := choice.Parts[i].Call; call != nil && call.Name == "" {
			return nil, nameless()
		}
	}
	resp.Choices = []llm.Choice{choice}
	return resp, nil
}

func nameless() error { return errtext.NoAnswer("calls a function without its name", nil) }

// streams reports whether the client waits for a stream: a whole answer must then be
// taken apart, although it came in the client's own format.
func streams(c *wire.Call) bool { return c.Request != nil && c.Request.Stream }

func readEnvelope(v rawjson.Value) *llm.Response {
	r := &llm.Response{ID: v.Get("id").Text(), Model: v.Get("model").Text(), ServiceTier: v.Get("service_tier").Text()}
	r.Created, _ = v.Get("created_at").Int()
	return r
}

// finishOf says why an answer ended. Source: §5.3.5.
func finishOf(v rawjson.Value) llm.Finish {
	if v.Get("status").Is("incomplete") {
		if v.Path("incomplete_details", "reason").Is("content_filter") {
			return llm.FinishContentFilter
		}
		return llm.FinishLength
	}
	for _, it := range v.Get("output").Elems() {
		switch it.Get("type").Text() {
		case "function_call", "custom_tool_call":
			return llm.FinishToolCalls
		}
	}
	return llm.FinishStop
}

func readOutput(c *wire.Call, v rawjson.Value, choice *llm.Choice) {
	switch v.Get("type").Text() {
	case "reasoning":
		it := readItem(v)
		if text := reasoningText(&it); text != "" {
			choice.Parts = append(choice.Parts, llm.Part{Kind: llm.PartThinking, Text: text})
		}
	case "message":
		readMessage(v, choice)
	case "function_call", "custom_tool_call":
		call := readCall(c, v)
		choice.Parts = append(choice.Parts, llm.Part{Kind: llm.PartToolCall, Call: call})
	case "image_generation_call":
		if data := v.Get("result").Text(); data != "" {
			choice.Parts = append(choice.Parts, llm.Part{Kind: llm.PartImage, Media: imageResult(v, data)})
		}
	}
}

func imageResult(v rawjson.Value, data string) *llm.Media {
	format := v.Get("output_format").Text()
	if format == "" {
		format = "png"
	}
	return &llm.Media{MIME: "image/" + format, Data: data}
}

func readMessage(v rawjson.Value, choice *llm.Choice) {
	for _, p := range v.Get("content").Elems() {
		switch p.Get("type").Text() {
		case "output_text":
			choice.Parts = append(choice.Parts, llm.Part{Kind: llm.PartText, Text: p.Get("text").Text()})
			if a := p.Get("annotations"); a.First() != nil {
				choice.Annotations = chatAnnotations(a)
			}
			if l := p.Get("logprobs"); l.First() != nil {
				choice.Logprobs = append(append([]byte(`{"content":`), l...), '}')
			}
		case "refusal":
			choice.Parts = append(choice.Parts, llm.Part{Kind: llm.PartRefusal, Text: p.Get("refusal").Text()})
		}
	}
}

// chatAnnotations writes annotations in the nested form of Chat Completions.
func chatAnnotations(list rawjson.Value) rawjson.Value {
	dst := []byte{'['}
	for _, a := range list.Elems() {
		typ := a.Get("type").Text()
		inner := rawjson.ParseObject(a)
		inner.Del("type")
		obj := rawjson.Object{{Key: "type", Value: rawjson.String(typ)}, {Key: typ, Value: inner.Value()}}
		dst = obj.Append(rawjson.AppendComma(dst))
	}
	return append(dst, ']')
}

func readCall(c *wire.Call, v rawjson.Value) *llm.ToolCall {
	call := &llm.ToolCall{ID: v.Get("call_id").Text(), Name: c.ToolName(v.Get("name").Text())}
	if call.ID == "" {
		call.ID = v.Get("id").Text()
	}
	if v.Get("type").Is("custom_tool_call") {
		call.Custom, call.Arguments = true, v.Get("input").Text()
		return call
	}
	if call.Arguments = argumentsText(v.Get("arguments")); call.Arguments == "" {
		call.Arguments = "{}"
	}
	return call
}

// maxTokens bounds what an upstream may claim, so that sums never overflow.
const maxTokens = 1 << 40

func count(v rawjson.Value) int64 {
	n, _ := v.Int()
	return max(0, min(n, maxTokens))
}

// parseUsage reads a usage object; nil when there is none.
func parseUsage(v rawjson.Value) *llm.Usage {
	if v.Kind() != '{' {
		return nil
	}
	in, out := v.Get("input_tokens_details"), v.Get("output_tokens_details")
	u := &llm.Usage{
		Input: count(v.Get("input_tokens")), Output: count(v.Get("output_tokens")), Total: count(v.Get("total_tokens")),
		CacheRead: count(in.Get("cached_tokens")), CacheWrite5m: count(in.Get("cache_write_tokens")),
		AudioIn: count(in.Get("audio_tokens")), ImageIn: count(in.Get("image_tokens")),
		Reasoning: count(out.Get("reasoning_tokens")), AudioOut: count(out.Get("audio_tokens")), ImageOut: count(out.Get("image_tokens")),
		Raw: v,
	}
	if u.Total == 0 {
		u.Total = u.Input + u.Output
	}
	u.CacheRead = min(u.CacheRead, u.Input)
	return u
}
