package anthropic

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Expand implements [wire.Dialect].
func (Dialect) Expand(req *llm.Request) error {
	if req.Expanded {
		return nil
	}
	x := expander{req: req}
	body := req.Body
	if err := x.system(body.Get("system")); err != nil {
		return err
	}
	list := body.Get("messages")
	req.Messages = slices.Grow(req.Messages, list.Len())
	for i, v := range list.Elems() {
		if err := x.message(i, v); err != nil {
			return err
		}
	}
	if err := x.tools(body.Get("tools")); err != nil {
		return err
	}
	x.settle(body)
	req.Expanded = true
	return nil
}

// expander writes the content of one request.
type expander struct {
	req *llm.Request
	// effort is that of the last system message which has one.
	effort string
}

// settle corrects the parameters by what the content says.
func (x *expander) settle(body rawjson.Value) {
	if x.effort != "" {
		if effort := effortFrom(body.Get("thinking"), x.effort); effort != "" {
			x.set(effortParam, rawjson.String(effort))
		}
	}
	if len(x.req.Tools) == 0 && x.req.ToolChoice != nil {
		x.req.ToolChoice, x.req.ParallelToolCalls = nil, nil
		x.remove("tool_choice")
		x.remove("parallel_tool_calls")
	}
}

func (x *expander) remove(name string) {
	x.req.Params = slices.DeleteFunc(x.req.Params, func(p llm.Param) bool { return p.Name == name })
}

func (x *expander) set(name string, v rawjson.Value) {
	x.remove(name)
	x.req.Params = append(x.req.Params, llm.Param{Name: name, Value: v})
}

func (x *expander) drop(what, why string) {
	if len(x.req.Drops) < maxDrops && !slices.ContainsFunc(x.req.Drops, func(d llm.Drop) bool { return d.What == what }) {
		x.req.Drops = append(x.req.Drops, llm.Drop{What: what, Why: why})
	}
}

// billingHeader begins the block in which Claude Code counts its requests. It
// differs in every request, which would spoil the cache of any other provider.
const billingHeader = "x-anthropic-billing-header:"

func (x *expander) system(v rawjson.Value) error {
	m := llm.Message{Role: llm.System}
	if s, ok := v.Str(); ok {
		m.Parts = appendText(m.Parts, s, nil)
	}
	for i, b := range v.Elems() {
		text, ok := b.Get("text").Str()
		if !ok {
			return place{"system", i, noBlock}.refuse("", "must be a block of type text")
		}
		if strings.HasPrefix(text, billingHeader) {
			x.drop("system billing header", "it is for Anthropic only")
			continue
		}
		m.Parts = appendText(m.Parts, text, b.Get("cache_control"))
	}
	x.add(m)
	return nil
}

func appendText(parts []llm.Part, text string, cache rawjson.Value) []llm.Part {
	if text == "" {
		return parts
	}
	return append(parts, llm.Part{Kind: llm.PartText, Text: text, CacheControl: cacheControl(cache)})
}

func (x *expander) add(m llm.Message) {
	if len(m.Parts) > 0 {
		x.req.Messages = append(x.req.Messages, m)
	}
}

// place is where something stands in a request: a block of a message, or an element
// of another list. It is put into words only for an error.
type place struct {
	list string
	item int
	// block is the block's index, noBlock for the element itself.
	block int
}

const noBlock = -1

// name puts the place into Anthropic's words: messages.2.content.0.
func (p place) name() string {
	name := p.list + "." + strconv.Itoa(p.item)
	if p.block != noBlock {
		name += ".content." + strconv.Itoa(p.block)
	}
	return name
}

// refuse is the error for what stands there, under key when that is not "".
func (p place) refuse(key, what string) *llm.Error {
	where := p.name()
	if key != "" {
		where += "." + key
	}
	return llm.BadRequest(where, where+": "+what+".")
}

func (x *expander) message(i int, v rawjson.Value) error {
	at := place{"messages", i, noBlock}
	if v.Kind() != '{' {
		return at.refuse("", "must be an object with role and content")
	}
	content := v.Get("content")
	switch content.Kind() {
	case '"', '[', 0, 'n':
	default:
		return at.refuse("content", "must be a string or a list of blocks")
	}
	switch role := v.Get("role").Text(); role {
	case "user":
		return x.user(at, content)
	case "assistant":
		return x.assistant(at, content)
	case "system":
		if s := v.Path("output_config", "effort").Text(); s != "" {
			x.effort = s
		}
		return x.systemMessage(at, content)
	default:
		return at.refuse("role", fmt.Sprintf("is %q; it must be user, assistant or system", role))
	}
}

// systemMessage keeps a system message within the conversation in its place.
func (x *expander) systemMessage(at place, content rawjson.Value) error {
	m := llm.Message{Role: llm.System}
	if s, ok := content.Str(); ok {
		m.Parts = appendText(m.Parts, s, nil)
	}
	for j, b := range content.Elems() {
		if b.Kind() != '{' {
			return place{at.list, at.item, j}.refuse("", "must be an object with a type")
		}
		m.Parts = appendText(m.Parts, b.Get("text").Text(), b.Get("cache_control"))
	}
	x.add(m)
	return nil
}

// user splits a user message: its tool results become messages of their own before
// the rest, one each.
func (x *expander) user(at place, content rawjson.Value) error {
	m := llm.Message{Role: llm.User}
	if s, ok := content.Str(); ok {
		m.Parts = appendText(m.Parts, s, nil)
		x.add(m)
		return nil
	}
	for j, b := range content.Elems() {
		where := place{at.list, at.item, j}
		if b.Kind() != '{' {
			return where.refuse("", "must be an object with a type")
		}
		if !b.Get("type").Is("tool_result") {
			m.Parts = x.block(m.Parts, b)
			continue
		}
		if err := x.result(where, b); err != nil {
			return err
		}
	}
	x.add(m)
	return nil
}

func (x *expander) result(where place, b rawjson.Value) error {
	id := b.Get("tool_use_id").Text()
	if id == "" {
		return where.refuse("tool_use_id", "must be the id of a tool_use block")
	}
	if serverID(id) {
		x.drop("result of a server tool", "the provider itself ran it")
		return nil
	}
	r := &llm.ToolResult{CallID: plainID(id), IsError: b.Get("is_error").True()}
	content := b.Get("content")
	if s, ok := content.Str(); ok {
		r.Parts = appendText(r.Parts, s, nil)
	}
	for _, inner := range content.Elems() {
		r.Parts = x.block(r.Parts, inner)
	}
	x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.Tool, Parts: []llm.Part{
		{Kind: llm.PartToolResult, Result: r, CacheControl: cacheControl(b.Get("cache_control"))},
	}})
	return nil
}
