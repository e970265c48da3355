package openairesponses

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// itemKind tells what an item of the output is.
type itemKind uint8

const (
	reasoningItem itemKind = iota + 1
	textItem
	refusalItem
	callItem
	imageItem
)

// outputItem is one item of an answer.
type outputItem struct {
	kind  itemKind
	id    string
	index int
	// text is the reasoning, the text or refusal, or the arguments of a call.
	text []byte
	// sent says how much of text the client has seen.
	sent int

	call   *llm.ToolCall
	tool   identity
	callID string // as the client sees it, perhaps with a signature
	sign   string // the thought signature of a call or text

	state       envelope
	closed      bool // reasoning that its provider has signed: more makes another item
	annotations rawjson.Value
	logprobs    rawjson.Value
	media       *llm.Media
}

// The prefixes of item ids.
var prefixes = map[itemKind]string{reasoningItem: "rs_", textItem: "msg_", refusalItem: "msg_", imageItem: "ig_"}

var callPrefixes = map[kind]string{function: "fc_", custom: "ctc_", shell: "sh_", localShell: "lsh_", applyPatch: "apc_"}

// keep adds opaque state to a reasoning item.
func (it *outputItem) keep(st *llm.State) {
	if st == nil || (st.Signature == "" && st.Redacted == "") {
		return
	}
	it.closed = true
	it.state.provider = st.Provider
	it.state.blocks = append(it.state.blocks, block{string(it.text), st.Signature, st.Redacted})
}

// begin makes it a call.
func (it *outputItem) begin(tools *offered, c *llm.ToolCall, sig string, inID bool) {
	it.call, it.sign = c, sig
	it.tool = tools.identity(c.Name)
	if c.Custom {
		it.tool.kind = custom
	}
	it.callID = c.ID
	if joined := signature.Join(c.ID, sig); inID && (len(joined) <= maxCallID || !replaysReasoning(tools.req)) {
		it.callID = joined
	}
}

// maxCallID is the longest call id that Codex accepts.
const maxCallID = 256

// replaysReasoning reports whether the client asks for encrypted reasoning, and so
// sends the envelope with the signature back: the id need not carry it too.
func replaysReasoning(req *llm.Request) bool {
	for _, v := range req.Body.Get("include").Elems() {
		if v.Is("reasoning.encrypted_content") {
			return true
		}
	}
	return false
}

// progressive says of a call that its arguments go out piece by piece.
func (it *outputItem) progressive() bool { return it.tool.kind == function }

// input is what a free-form tool is called with; arguments that are not the
// stand-in's are the input themselves.
func (it *outputItem) input() string {
	if it.call.Custom {
		return string(it.text)
	}
	v, err := rawjson.Check(it.text)
	if err != nil {
		return string(it.text)
	}
	if s, ok := v.Get(customInput).Str(); ok {
		return s
	}
	return string(it.text)
}

// append appends the item as it stands; done says that it is whole, otherwise it is
// the empty form that announces it.
func (it *outputItem) append(dst []byte, status string, done bool) []byte {
	dst = rawjson.AppendStringMember(append(dst, '{'), "id", it.id)
	switch it.kind {
	case reasoningItem:
		dst = it.appendReasoning(dst, done)
	case callItem:
		dst = it.appendCall(dst, status, done)
	case imageItem:
		dst = it.appendImage(dst, status, done)
	default:
		dst = it.appendMessage(dst, status, done)
	}
	return append(dst, '}')
}

func (it *outputItem) appendReasoning(dst []byte, done bool) []byte {
	dst = append(dst, `,"type":"reasoning","summary":[`...)
	if done && len(it.text) > 0 {
		dst = it.appendSummary(dst)
	}
	dst = append(dst, ']')
	if done && !it.state.empty() {
		dst = rawjson.AppendStringMember(dst, "encrypted_content", it.state.seal())
	}
	return dst
}

func (it *outputItem) appendSummary(dst []byte) []byte {
	dst = append(dst, `{"type":"summary_text","text":`...)
	return append(rawjson.AppendString(dst, string(it.text)), '}')
}

func (it *outputItem) appendMessage(dst []byte, status string, done bool) []byte {
	dst = append(dst, `,"type":"message","status":"`...)
	dst = append(append(dst, status...), `","role":"assistant","content":[`...)
	if done {
		dst = it.appendPart(dst, true)
	}
	dst = append(dst, ']')
	if done && it.sign != "" {
		dst = append(dst, `,"provider_specific_fields":{"thought_signatures":[`...)
		dst = append(rawjson.AppendString(dst, it.sign), "]}"...)
	}
	return dst
}

// appendPart appends the content part of a message.
func (it *outputItem) appendPart(dst []byte, done bool) []byte {
	text := ""
	if done {
		text = string(it.text)
	}
	if it.kind == refusalItem {
		return append(rawjson.AppendString(append(dst, `{"type":"refusal","refusal":`...), text), '}')
	}
	dst = rawjson.AppendString(append(dst, `{"type":"output_text","text":`...), text)
	dst = append(dst, `,"annotations":`...)
	dst = appendAnnotations(dst, it.annotations)
	dst = append(dst, `,"logprobs":`...)
	if list := it.logprobs.Get("content"); list.Kind() == '[' {
		dst = append(dst, list...)
	} else {
		dst = append(dst, "[]"...)
	}
	return append(dst, '}')
}

// appendAnnotations writes the annotations of Chat Completions in the flat form of
// this format.
func appendAnnotations(dst []byte, list rawjson.Value) []byte {
	dst = append(dst, '[')
	for _, a := range list.Elems() {
		typ := a.Get("type").Text()
		inner := a.Get(typ)
		if inner.Kind() != '{' {
			dst = append(rawjson.AppendComma(dst), a...)
			continue
		}
		obj := append(rawjson.Object{{Key: "type", Value: rawjson.String(typ)}}, rawjson.ParseObject(inner)...)
		dst = obj.Append(rawjson.AppendComma(dst))
	}
	return append(dst, ']')
}

func (it *outputItem) appendCall(dst []byte, status string, done bool) []byte {
	args := ""
	if done {
		args = string(it.text)
	}
	switch it.tool.kind {
	case custom:
		if done {
			args = it.input()
		}
		dst = append(dst, `,"type":"custom_tool_call","status":"`...)
		dst = rawjson.AppendStringMember(append(append(dst, status...), '"'), "call_id", it.callID)
		dst = it.appendName(dst)
		return rawjson.AppendStringMember(dst, "input", args)
	case shell:
		return it.appendAction(dst, "shell_call", "action", `{"commands":[]`, status, done)
	case localShell:
		return it.appendAction(dst, "local_shell_call", "action", `{"type":"exec","command":[],"env":{}`, status, done)
	case applyPatch:
		return it.appendAction(dst, "apply_patch_call", "operation", `{"type":"update_file","path":"","diff":""`, status, done)
	}
	dst = append(dst, `,"type":"function_call","status":"`...)
	dst = rawjson.AppendStringMember(append(append(dst, status...), '"'), "call_id", it.callID)
	dst = it.appendName(dst)
	dst = rawjson.AppendStringMember(dst, "arguments", args)
	return it.appendSignature(dst)
}

func (it *outputItem) appendName(dst []byte) []byte {
	dst = rawjson.AppendStringMember(dst, "name", it.tool.name)
	if it.tool.namespace != "" {
		dst = rawjson.AppendStringMember(dst, "namespace", it.tool.namespace)
	}
	return dst
}

func (it *outputItem) appendSignature(dst []byte) []byte {
	if it.sign == "" {
		return dst
	}
	dst = append(dst, `,"provider_specific_fields":{"thought_signature":`...)
	return append(rawjson.AppendString(dst, it.sign), '}')
}

// appendAction writes the call of a built-in tool; empty is the beginning of its
// action as long as there is none. What the model adds to that is not looked at: it may
// be long.
func (it *outputItem) appendAction(dst []byte, typ, member, empty, status string, done bool) []byte {
	dst = rawjson.AppendStringMember(dst, "type", typ)
	dst = rawjson.AppendStringMember(dst, "status", status)
	dst = rawjson.AppendStringMember(dst, "call_id", it.callID)
	action := rawjson.ParseObject(rawjson.Value(empty + "}"))
	if v, err := rawjson.Check(it.text); done && err == nil {
		usual := len(action)
		for name, value := range v.Members() {
			m := rawjson.Member{Key: name, Value: value}
			if i := slices.IndexFunc(action[:usual], func(m rawjson.Member) bool { return m.Key == name }); i >= 0 {
				action[i] = m
			} else {
				action = append(action, m)
			}
		}
	}
	dst = action.Append(rawjson.AppendKey(dst, member))
	return it.appendSignature(dst)
}

func (it *outputItem) appendImage(dst []byte, status string, done bool) []byte {
	dst = append(dst, `,"type":"image_generation_call","status":"`...)
	dst = append(append(dst, status...), `","result":`...)
	if !done || it.media == nil {
		return append(dst, "null"...)
	}
	dst = rawjson.AppendString(dst, it.media.Data)
	if _, format, ok := strings.Cut(it.media.MIME, "/"); ok {
		dst = rawjson.AppendStringMember(dst, "output_format", format)
	}
	return dst
}
