package anthropic

import (
	"bytes"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// nativeEncoder edits a body of this format for its upstream: the model, what is for
// the gateway only, and what another provider left in the history. Everything else
// stays the client's bytes.
type nativeEncoder struct {
	req   *llm.Request
	t     *wire.Target
	betas []string
	drops []llm.Drop
	// count says that the tokens are to be counted, not answered.
	count bool
	// stripped says that thinking blocks were taken out of the history.
	stripped bool
	// noThinking says that the running tool loop lacks blocks which thinking demands.
	noThinking bool
	// blocks counts the thinking blocks that were put back, recalledBytes their size.
	blocks, recalledBytes int
}

func (n *nativeEncoder) encode() *wire.Call {
	n.drops = slices.Clip(n.req.Drops)
	body, drops := wire.DropPaths(n.body(), n.t.Policy.Also)
	call := &wire.Call{
		Path: path(n.t.Base), Body: body, Request: n.req, Target: n.t, Native: !n.count,
		Header: headers(n.betas), Dropped: append(n.drops, drops...), Blocks: n.blocks,
	}
	if n.t.Provider == deepSeek {
		call.Path, call.Absolute = besideChat(n.t.Base), true
	}
	return call
}

// deepSeek serves this format beside its chat completions, with the same key.
const deepSeek = "deepseek"

// besideChat is the address of the Messages API of a provider whose base is that of
// its chat completions.
func besideChat(base string) string {
	base = strings.TrimRight(base, "/")
	for _, version := range []string{"/beta", "/v1"} {
		base = strings.TrimSuffix(base, version)
	}
	return strings.TrimSuffix(base, "/anthropic") + "/anthropic/v1/messages"
}

func (n *nativeEncoder) drop(what, why string) {
	if len(n.drops) < maxDrops && !slices.ContainsFunc(n.drops, func(d llm.Drop) bool { return d.What == what }) {
		n.drops = append(n.drops, llm.Drop{What: what, Why: why})
	}
}

func (n *nativeEncoder) beta(name string) {
	if !slices.Contains(n.betas, name) {
		n.betas = append(n.betas, name)
	}
}

// body writes the members in the client's order.
func (n *nativeEncoder) body() []byte {
	body := n.req.Body
	fields := make([]rawjson.Field, 0, 24)
	var messages, thinking rawjson.Value
	for f := range body.Fields() {
		fields = append(fields, f)
		switch name := f.Key; {
		case name.Is("messages"):
			messages = f.Value
		case name.Is("thinking"):
			thinking = f.Value
		}
	}
	messages = n.recalled(n.messages(messages), thinking)
	n.noThinking = (n.stripped || n.t.Repair == wire.RepairThinking) && lostThinking(thinking, messages)
	dst := append(make([]byte, 0, len(body)+256), `{"model":`...)
	dst = rawjson.AppendString(dst, n.t.Model)
	for _, f := range fields {
		if f.Key.Is("messages") {
			dst = rawjson.AppendMember(dst, "messages", messages)
			continue
		}
		dst = n.member(dst, f, f.Name())
	}
	dst = n.defaults(dst, fields)
	if n.unthinking() { // this provider's models think unless told not to
		dst = append(rawjson.AppendKey(dst, "thinking"), `{"type":"disabled"}`...)
	}
	return mergeExtra(append(dst, '}'), n.t.ExtraBody)
}

// unthinking reports whether the models must not think because the thinking blocks
// that they demand are lost.
func (n *nativeEncoder) unthinking() bool {
	return n.t.Provider == deepSeek && n.t.Repair == wire.RepairThinking
}

// leavesOut reports whether the operator leaves a parameter out, under Anthropic's
// name or OpenAI's.
func (n *nativeEncoder) leavesOut(name string) bool {
	if len(n.t.Policy.Also) == 0 {
		return false
	}
	return slices.Contains(n.t.Policy.Also, name) || slices.Contains(n.t.Policy.Also, openAIName(name))
}

// openAIName is OpenAI's name for a parameter of this format.
func openAIName(name string) string {
	if name == "stop_sequences" {
		return "stop"
	}
	return name
}

// ownName is this format's name for a parameter, "" when it has none.
func ownName(name string) string {
	switch name {
	case "stop":
		return "stop_sequences"
	case "max_completion_tokens":
		return "max_tokens"
	case "max_tokens", "temperature", "top_p", "top_k", "thinking", "metadata", "container", "context_management",
		"mcp_servers", "speed", "inference_geo", "cache_control", "output_config":
		return name
	}
	return ""
}

// notCounted are the parameters that the counting endpoint does not take.
var notCounted = map[string]bool{
	"max_tokens": true, "stream": true, "temperature": true, "top_p": true, "top_k": true, "stop_sequences": true,
	"metadata": true, "service_tier": true,
}

// member copies one member, unless it is not for the upstream.
func (n *nativeEncoder) member(dst []byte, f rawjson.Field, name string) []byte {
	v := f.Value
	switch {
	case name == "model" || gatewayKeys[name]:
		return dst
	case n.leavesOut(name):
		n.drop(name, "named in additional_drop_params")
		return dst
	case (n.noThinking || n.unthinking()) && name == "thinking":
		n.drop(name, "the thinking blocks that it demands are lost")
		return dst
	case n.noThinking && name == "context_management":
		v = n.withoutThinkingEdits(v)
	}
	if n.count && notCounted[name] {
		return dst
	}
	if v = n.value(name, v); v == nil {
		return dst
	}
	return append(append(append(rawjson.AppendComma(dst), f.Key...), ':'), v...)
}

// value asks for the beta that a member needs and returns its value. Where a
// fallback's own parameters replace the client's, theirs stands in the request's
// parameters.
func (n *nativeEncoder) value(name string, v rawjson.Value) rawjson.Value {
	switch name {
	case "max_tokens", "temperature", "top_p", "top_k", "stop_sequences":
		if p := n.req.Param(openAIName(name)); p != nil {
			return p
		}
	case "output_config":
		if v.Get("format").Present() {
			n.beta(structuredBeta)
		}
	case "output_format":
		n.beta(structuredBeta)
	case "context_management":
		n.managed(v)
	case "speed":
		if v.Is("fast") {
			n.beta("fast-mode-2026-02-01")
		}
	case "tools":
		n.toolBetas(v)
	}
	return v
}

// withoutThinkingEdits leaves out the edits of thinking blocks, which Anthropic takes
// only together with thinking.
func (n *nativeEncoder) withoutThinkingEdits(v rawjson.Value) rawjson.Value {
	edits := rawjson.Value("[")
	for _, edit := range v.Get("edits").Elems() {
		if !strings.HasPrefix(edit.Get("type").Text(), "clear_thinking_") {
			edits = append(rawjson.AppendComma(edits), edit...)
		}
	}
	if len(edits) == 1 {
		return nil
	}
	o := rawjson.ParseObject(v)
	o.Set("edits", append(edits, ']'))
	return o.Value()
}

// managed asks for the features of context_management.
func (n *nativeEncoder) managed(v rawjson.Value) {
	for _, edit := range v.Get("edits").Elems() {
		if strings.HasPrefix(edit.Get("type").Text(), "compact_") {
			n.beta("compact-2026-01-12")
		} else {
			n.beta("context-management-2025-06-27")
		}
	}
}

// toolBetas asks for the features of tools that LiteLLM asks for by itself.
func (n *nativeEncoder) toolBetas(tools rawjson.Value) {
	for _, t := range []struct{ mark, beta string }{
		{"web_fetch_", "web-fetch-2025-09-10"}, {"advisor_", "advisor-tool-2026-03-01"},
	} {
		if !bytes.Contains(tools, []byte(t.mark)) {
			continue
		}
		for _, tool := range tools.Elems() {
			if strings.HasPrefix(tool.Get("type").Text(), t.mark) {
				n.beta(t.beta)
			}
		}
	}
}

// defaults adds the deployment's call defaults, and what a fallback adds, where the
// client says nothing.
func (n *nativeEncoder) defaults(dst []byte, fields []rawjson.Field) []byte {
	if n.count {
		return dst
	}
	for _, list := range [...][]llm.Param{n.req.Params, n.t.Defaults} {
		for _, p := range list {
			name := ownName(p.Name)
			if name == "" || !p.Value.Present() || n.leavesOut(name) ||
				slices.ContainsFunc(fields, func(f rawjson.Field) bool { return f.Key.Is(name) }) {
				continue
			}
			fields = append(fields, rawjson.Field{Key: rawjson.String(name)})
			dst = rawjson.AppendMember(dst, name, p.Value)
		}
	}
	return dst
}
