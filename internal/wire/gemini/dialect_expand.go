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
	x := expander{req: req, room: rereadRoom(len(req.Body))}
	var system, contents, tools, config rawjson.Value
	for _, f := range topFields(req.Body) {
		v := f.Value
		if !v.Present() {
			continue
		}
		switch f.name {
		case "contents":
			contents = v
		case "tools":
			tools = v
		case "toolConfig":
			config = v
		case "systemInstruction":
			system = v
		}
	}
	if err := x.system(system); err != nil {
		return err
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

// spot is the place of a part, for errors and reports.
type spot struct{ content, part int }

// inSystem is the content of a spot in systemInstruction.
const inSystem = -1

func (s spot) String() string {
	return contentPlace(s.content) + ".parts[" + strconv.Itoa(s.part) + "]"
}

func contentPlace(i int) string {
	if i == inSystem {
		return "systemInstruction"
	}
	return "contents[" + strconv.Itoa(i) + "]"
}

// expander builds the messages of one request.
type expander struct {
	req *llm.Request
	// room is how many bytes of schemas may still be read.
	room int
	// turns counts the model's messages, for the ids of calls that have none.
	turns int
	// run is the message of the model that is being read, nil between two.
	run *modelBuilder
	// open are the calls of the last message of the model that no result has answered
	// yet; an answered one is nil.
	open []*llm.ToolCall
}

// unknown reports a part that no other format can have.
func (x *expander) unknown(at spot) {
	if len(x.req.Drops) >= maxDrops {
		return
	}
	x.req.Drops = append(x.req.Drops, llm.Drop{What: at.String(), Why: "only Gemini has such a part"})
}

// system reads systemInstruction: a content, or a text as SDKs let it be written.
func (x *expander) system(v rawjson.Value) error {
	if v == nil {
		return nil
	}
	m := llm.Message{Role: llm.System}
	if s, ok := v.Str(); ok {
		if s != "" {
			m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: s})
		}
	} else if err := x.systemParts(&m, v); err != nil {
		return err
	}
	if len(m.Parts) > 0 {
		x.req.Messages = append(x.req.Messages, m)
	}
	return nil
}

func (x *expander) systemParts(m *llm.Message, v rawjson.Value) error {
	if err := isKind("systemInstruction", v, "{"); err != nil {
		return err
	}
	return eachPart(inSystem, member(v, "parts"), func(at spot, p *clientPart) error {
		if p.text == nil {
			x.unknown(at)
		} else if text := p.text.Text(); text != "" {
			m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: text})
		}
		return nil
	})
}

func (x *expander) contents(list rawjson.Value) error {
	before := len(x.req.Messages)
	for i, v := range elems(list) {
		if v.Kind() != '{' {
			return isKind(contentPlace(i), v, "{")
		}
		if err := x.content(i, v); err != nil {
			return err
		}
	}
	x.endRun()
	if len(x.req.Messages) == before {
		return badRequest("contents", "GenerateContentRequest.contents: no content has a part that says anything.")
	}
	return nil
}

func (x *expander) content(i int, v rawjson.Value) error {
	var role string
	var parts rawjson.Value
	for name, m := range members(v) {
		switch name {
		case "role":
			if m.Present() && m.Kind() != '"' {
				return isKind(contentPlace(i)+".role", m, `"`)
			}
			role = m.Text()
		case "parts":
			parts = m
		}
	}
	switch role {
	case "model":
		return x.model(i, parts)
	case "user", "function", "tool", "":
		x.endRun()
		return x.user(i, parts)
	}
	place := contentPlace(i) + ".role"
	return badRequest(place, "Please use a valid role: user, model. The one at '"+place+"' is "+strconv.Quote(clip(role))+".")
}

// eachPart reads the parts of a content.
func eachPart(content int, parts rawjson.Value, read func(at spot, p *clientPart) error) error {
	if parts != nil && parts.Kind() != '[' && parts.Kind() != '{' {
		return isKind(contentPlace(content)+".parts", parts, "[")
	}
	for i, v := range elems(parts) {
		at := spot{content, i}
		if v.Kind() != '{' {
			return isKind(at.String(), v, "{")
		}
		p := readClientPart(v)
		if p.text != nil && p.text.Kind() != '"' {
			return isKind(at.String()+".text", p.text, `"`)
		}
		if err := read(at, &p); err != nil {
			return err
		}
	}
	return nil
}

// user reads a content of the user: results answer the calls before them and come
// first, whatever else was said follows.
func (x *expander) user(content int, parts rawjson.Value) error {
	var said []llm.Part
	var results []*llm.ToolResult
	err := eachPart(content, parts, func(at spot, p *clientPart) error {
		if p.result != nil {
			r, err := readResult(at, p.result)
			results = append(results, r)
			return err
		}
		if part, ok := p.plain(); ok {
			said = append(said, part)
		} else if p.text == nil {
			x.unknown(at)
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

// answer gives each result to an open call and adds a message for it. What answers
// nothing comes back as text.
func (x *expander) answer(results []*llm.ToolResult) (orphans []llm.Part) {
	if len(results) == 0 {
		return nil
	}
	for i, c := range x.match(results) {
		r := results[i]
		if c == nil {
			orphans = append(orphans, llm.Part{Kind: llm.PartText, Text: orphanText(r)})
			continue
		}
		r.CallID, r.Name = c.ID, c.Name
		part := llm.Part{Kind: llm.PartToolResult, Result: r}
		x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.Tool, Parts: []llm.Part{part}})
	}
	return orphans
}

// match finds the open call of each result: by id, then by name in order, then by
// order alone.
func (x *expander) match(results []*llm.ToolResult) []*llm.ToolCall {
	ids, names := make(map[string]int, len(x.open)), make(map[string][]int, len(x.open))
	for i, c := range x.open {
		if c != nil {
			ids[c.ID] = i
		}
	}
	found := make([]*llm.ToolCall, len(results))
	take := func(result, call int) { found[result], x.open[call] = x.open[call], nil }
	for i, r := range results {
		if at, ok := ids[r.CallID]; ok && r.CallID != "" && x.open[at] != nil {
			take(i, at)
		}
	}
	for i, c := range x.open {
		if c != nil {
			names[c.Name] = append(names[c.Name], i)
		}
	}
	for i, r := range results {
		if queue := names[r.Name]; found[i] == nil && len(queue) > 0 {
			take(i, queue[0])
			names[r.Name] = queue[1:]
		}
	}
	next := 0
	for i := range results {
		for next < len(x.open) && x.open[next] == nil {
			next++
		}
		if found[i] == nil && next < len(x.open) {
			take(i, next)
		}
	}
	return found
}

// model reads a content of the model. One that follows another directly continues
// it: the other formats know one message of an assistant at a time.
func (x *expander) model(content int, parts rawjson.Value) error {
	if x.run == nil {
		x.run = &modelBuilder{turn: x.turns}
		x.turns++
	}
	return eachPart(content, parts, func(at spot, p *clientPart) error {
		known, err := x.run.part(at, p)
		if !known && err == nil {
			x.unknown(at)
		}
		return err
	})
}

// endRun adds the message of the model's contents before something else.
func (x *expander) endRun() {
	if x.run == nil {
		return
	}
	b := x.run
	x.run = nil
	b.close(nil)
	if len(b.parts) == 0 {
		return
	}
	sortParts(b.parts)
	x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.Assistant, Parts: b.parts})
	x.open = b.calls
}

// partOrder is the order of the parts of an assistant's message.
var partOrder = [...]uint8{
	llm.PartThinking: 1, llm.PartText: 2, llm.PartRefusal: 3, llm.PartImage: 4, llm.PartAudio: 4, llm.PartVideo: 4,
	llm.PartFile: 4, llm.PartToolCall: 5, llm.PartUnknown: 6,
}

func sortParts(parts []llm.Part) {
	slices.SortStableFunc(parts, func(a, b llm.Part) int { return int(partOrder[a.Kind]) - int(partOrder[b.Kind]) })
}
