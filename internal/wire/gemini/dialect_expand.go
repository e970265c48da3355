package gemini

import (
	"slices"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Expand fills in messages, tools and tool choice. Both spellings of every member
// count. A mistake is a 400 with the path of what cannot be read.
func (Dialect) Expand(req *llm.Request) error {
	if req.Expanded {
		return nil
	}
	if err := checkParams(req.Params); err != nil {
		return err
	}
	x := expander{req: req}
	var contents, tools, config rawjson.Value
	for name, v := range members(req.Body) {
		switch name {
		case "contents":
			contents = v
		case "tools":
			tools = v
		case "toolConfig":
			config = v
		case "systemInstruction":
			if err := x.system(v); err != nil {
				return err
			}
		}
	}
	if err := x.contents(contents); err != nil {
		return err
	}
	if err := x.tools(tools); err != nil {
		return err
	}
	x.toolChoice(config)
	req.Expanded = true
	return nil
}

// paramKinds are the kinds that parameters must have before another format can
// have them; the names are those of generationConfig.
var paramKinds = map[string]struct{ place, kinds string }{
	"temperature": {"temperature", "0"}, "top_p": {"topP", "0"}, "top_k": {"topK", "0"}, "max_tokens": {"maxOutputTokens", "0"},
	"n": {"candidateCount", "0"}, "seed": {"seed", "0"}, "presence_penalty": {"presencePenalty", "0"},
	"frequency_penalty": {"frequencyPenalty", "0"}, "stop": {"stopSequences", "["}, "logprobs": {"responseLogprobs", "tf"},
	"top_logprobs": {"logprobs", "0"},
}

func checkParams(params []llm.Param) error {
	for _, p := range params {
		if want, known := paramKinds[p.Name]; known && p.Value.Present() {
			if err := isKind("generationConfig."+want.place, p.Value, want.kinds); err != nil {
				return err
			}
		}
	}
	return nil
}

// expander builds the messages of one request.
type expander struct {
	req *llm.Request
	// turns counts the model's contents, for the ids of calls that have none.
	turns int
	// open are the calls that no result has answered yet.
	open []*llm.ToolCall
}

// unknown reports a part that no other format can have.
func (x *expander) unknown(place string) {
	x.req.Drops = append(x.req.Drops, llm.Drop{What: place, Why: "only Gemini has such a part"})
}

// system reads systemInstruction: a content, or a text as SDKs let it be written.
func (x *expander) system(v rawjson.Value) error {
	const place = "systemInstruction"
	if s, ok := v.Str(); ok {
		if s != "" {
			x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.System, Parts: []llm.Part{{Kind: llm.PartText, Text: s}}})
		}
		return nil
	}
	if err := isKind(place, v, "{"); err != nil {
		return err
	}
	m := llm.Message{Role: llm.System}
	err := x.eachPart(place, member(v, "parts"), func(place string, p *clientPart) error {
		if p.text == nil {
			x.unknown(place)
		} else if text := p.text.Text(); text != "" {
			m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: text})
		}
		return nil
	})
	if err == nil && len(m.Parts) > 0 {
		x.req.Messages = slices.Insert(x.req.Messages, 0, m)
	}
	return err
}

func (x *expander) contents(list rawjson.Value) error {
	for i, v := range elems(list) {
		place := "contents[" + strconv.Itoa(i) + "]"
		if err := isKind(place, v, "{"); err != nil {
			return err
		}
		if err := x.content(place, v); err != nil {
			return err
		}
	}
	if len(x.req.Messages) == 0 || x.req.Messages[len(x.req.Messages)-1].Role == llm.System {
		return badRequest("contents", "Unable to submit request because it must have a text parameter: contents has no parts.")
	}
	return nil
}

func (x *expander) content(place string, v rawjson.Value) error {
	var role string
	var parts rawjson.Value
	for name, m := range members(v) {
		switch name {
		case "role":
			role = m.Text()
		case "parts":
			parts = m
		}
	}
	switch role {
	case "model":
		return x.model(place, parts)
	case "user", "function", "":
		return x.user(place, parts)
	}
	return badRequest(place+".role", "Please use a valid role: user, model. The role at '"+place+"' is "+strconv.Quote(clip(role))+".")
}

// eachPart reads the parts of a content.
func (x *expander) eachPart(place string, parts rawjson.Value, read func(place string, p *clientPart) error) error {
	if parts != nil {
		if err := isKind(place+".parts", parts, "[{"); err != nil {
			return err
		}
	}
	for i, v := range elems(parts) {
		at := place + ".parts[" + strconv.Itoa(i) + "]"
		if err := isKind(at, v, "{"); err != nil {
			return err
		}
		p := readClientPart(v)
		if p.text != nil && p.text.Kind() != '"' {
			return isKind(at+".text", p.text, `"`)
		}
		if err := read(at, &p); err != nil {
			return err
		}
	}
	return nil
}

// user reads a content of the user: results answer the calls before them and come
// first, whatever else was said follows.
func (x *expander) user(place string, parts rawjson.Value) error {
	var said []llm.Part
	var results []*llm.ToolResult
	err := x.eachPart(place, parts, func(place string, p *clientPart) error {
		if p.result != nil {
			r, err := readResult(place+".functionResponse", p.result)
			results = append(results, r)
			return err
		}
		if part, ok := p.plain(); ok {
			said = append(said, part)
		} else if p.text == nil {
			x.unknown(place)
		}
		return nil
	})
	if err != nil {
		return err
	}
	said = append(x.answer(results), said...)
	if len(said) > 0 {
		x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.User, Parts: said})
	}
	return nil
}

// answer gives each result to an open call and adds a message for it: by id, then
// by name in order, then by order alone. What answers nothing comes back as text.
func (x *expander) answer(results []*llm.ToolResult) (orphans []llm.Part) {
	if len(results) == 0 {
		return nil
	}
	calls := make([]*llm.ToolCall, len(results))
	for _, fits := range []func(*llm.ToolCall, *llm.ToolResult) bool{
		func(c *llm.ToolCall, r *llm.ToolResult) bool { return r.CallID != "" && r.CallID == c.ID },
		func(c *llm.ToolCall, r *llm.ToolResult) bool { return r.Name == c.Name },
		func(*llm.ToolCall, *llm.ToolResult) bool { return true },
	} {
		for i, r := range results {
			if calls[i] == nil {
				calls[i] = x.take(r, fits)
			}
		}
	}
	for i, r := range results {
		if calls[i] == nil {
			orphans = append(orphans, llm.Part{Kind: llm.PartText, Text: orphanText(r)})
			continue
		}
		r.CallID, r.Name = calls[i].ID, calls[i].Name
		part := llm.Part{Kind: llm.PartToolResult, Result: r}
		x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.Tool, Parts: []llm.Part{part}})
	}
	return orphans
}

// take removes the first open call that fits the result.
func (x *expander) take(r *llm.ToolResult, fits func(*llm.ToolCall, *llm.ToolResult) bool) *llm.ToolCall {
	for i, c := range x.open {
		if fits(c, r) {
			x.open = slices.Delete(x.open, i, i+1)
			return c
		}
	}
	return nil
}

// model reads a content of the model. One that follows another directly continues
// it: the other formats know one message of an assistant at a time.
func (x *expander) model(place string, parts rawjson.Value) error {
	b := modelBuilder{turn: x.turns}
	x.turns++
	err := x.eachPart(place, parts, func(place string, p *clientPart) error {
		known, err := b.part(place, p)
		if !known && err == nil {
			x.unknown(place)
		}
		return err
	})
	b.closeThought(nil)
	if err != nil || len(b.parts) == 0 {
		return err
	}
	n := len(x.req.Messages)
	if n > 0 && x.req.Messages[n-1].Role == llm.Assistant {
		last := &x.req.Messages[n-1]
		last.Parts = append(last.Parts, b.parts...)
		sortParts(last.Parts)
		x.open = append(x.open, b.calls...)
		return nil
	}
	sortParts(b.parts)
	x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.Assistant, Parts: b.parts})
	x.open = b.calls
	return nil
}

// partOrder is the order of the parts of an assistant's message.
var partOrder = [...]uint8{
	llm.PartThinking: 1, llm.PartText: 2, llm.PartRefusal: 3, llm.PartImage: 4, llm.PartAudio: 4, llm.PartVideo: 4,
	llm.PartFile: 4, llm.PartToolCall: 5, llm.PartUnknown: 6,
}

func sortParts(parts []llm.Part) {
	slices.SortStableFunc(parts, func(a, b llm.Part) int { return int(partOrder[a.Kind]) - int(partOrder[b.Kind]) })
}
