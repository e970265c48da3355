package openairesponses

import (
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// message appends a message that is not the assistant's; the assistant's turn ends.
func (x *expander) message(role llm.Role, parts []llm.Part) {
	x.closeTurn()
	x.req.Messages = append(x.req.Messages, llm.Message{Role: role, Parts: parts})
}

func (x *expander) closeTurn() {
	x.settle()
	x.turn, x.signatures = -1, nil
}

// settle puts the calls that wait behind what the assistant has said so far.
func (x *expander) settle() {
	if len(x.waiting) > 0 {
		m := &x.req.Messages[x.turn]
		m.Parts, x.waiting = append(m.Parts, x.waiting...), x.waiting[:0]
	}
}

// open returns the assistant's message that grows: items of one answer become one
// message.
func (x *expander) open() *llm.Message {
	if x.turn < 0 {
		x.turn = len(x.req.Messages)
		x.req.Messages = append(x.req.Messages, llm.Message{Role: llm.Assistant})
	}
	return &x.req.Messages[x.turn]
}

// roles of messages. Other models know no developer; its word is the system's.
// Source: §5.3.2.
var roles = map[string]llm.Role{
	"user": llm.User, "assistant": llm.Assistant, "system": llm.System, "developer": llm.System,
}

func (x *expander) messageItem(at string, it *item) error {
	if it.role == nil && it.typ == nil && it.content == nil && it.id != nil {
		return itemNotFound(at, it.id.Text()) // the short form of an item_reference
	}
	role, ok := roles[it.role.Text()]
	if !ok {
		return llm.BadRequest(at+".role", "'"+at+".role' is "+shown(it.role)+"; it must be one of user, assistant, system, developer.")
	}
	parts, err := contentParts(at+".content", it.content)
	if err != nil {
		return err
	}
	if role != llm.Assistant {
		x.message(role, parts)
		return nil
	}
	if len(parts) > 0 {
		x.say(parts, it)
	}
	return nil
}

// say adds what the assistant said, before the calls that wait: a provider wants the
// calls last.
func (x *expander) say(parts []llm.Part, it *item) {
	if sig, ok := signature.Normalize(it.providerFields.Get("thought_signatures").First().Text()); ok {
		signLast(parts, sig)
	}
	m := x.open()
	m.Parts = append(m.Parts, parts...)
}

func signLast(parts []llm.Part, sig string) {
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Kind == llm.PartText {
			parts[i].State = &llm.State{Provider: gemini, Signature: sig}
			return
		}
	}
}

// reasoning adds what the assistant thought. Encrypted content that is not the
// gateway's own belongs to OpenAI and is of no use to another provider.
func (x *expander) reasoning(at string, it *item) {
	e, ok := openEnvelope(it.encrypted.Text())
	if !ok && it.encrypted != nil {
		x.drop(at+".encrypted_content", "only the provider that made it can read it")
	}
	if len(e.blocks) > 0 {
		m := x.open()
		x.settle()
		for _, b := range e.blocks {
			m.Parts = append(m.Parts, b.part(e.provider))
		}
	} else if text := reasoningText(it); text != "" {
		m := x.open()
		x.settle()
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartThinking, Text: text})
	}
	if e.provider == gemini && len(e.signatures) > 0 {
		x.open()
		x.signatures = e.signatures
	}
}

// reasoningText prefers the reasoning itself to its summary.
func reasoningText(it *item) string {
	var text strings.Builder
	for _, list := range []rawjson.Value{it.content, it.summary} {
		for _, p := range list.Elems() {
			if text.Len() > 0 {
				text.WriteString("\n\n")
			}
			text.WriteString(p.Get("text").Text())
		}
		if text.Len() > 0 {
			break
		}
	}
	return text.String()
}

// call adds a call that the assistant made.
func (x *expander) call(at string, it *item, k kind, name, args string) error {
	if name == "" {
		return llm.BadRequest(at+".name", "'"+at+".name' must be the name of the tool.")
	}
	id, inID := signature.Split(callID(it))
	if id == "" {
		id = "call_" + strconv.Itoa(len(x.calls)+1)
	}
	call := &llm.ToolCall{ID: id, Name: x.names.of(identity{k, it.namespace.Text(), name}), Arguments: args}
	x.open()
	x.waiting = append(x.waiting, llm.Part{Kind: llm.PartToolCall, Call: call, State: x.callState(it, inID)})
	x.noteCall(id)
	return nil
}

func (x *expander) noteCall(id string) {
	if x.calls == nil {
		x.calls = map[string]bool{}
	}
	x.calls[id] = true
}

// callID is the id of a call or output; a local shell's output names it as its id.
func callID(it *item) string {
	if it.callID != nil {
		return it.callID.Text()
	}
	return it.id.Text()
}

// callState finds the thought signature of a call: the first valid one of the
// places where it may have been kept. Source: §2.9, accept 2.
func (x *expander) callState(it *item, inID string) *llm.State {
	pending := ""
	if len(x.signatures) > 0 {
		pending, x.signatures = x.signatures[0], x.signatures[1:]
	}
	for _, candidate := range []string{
		it.providerFields.Get("thought_signature").Text(),
		it.extraContent.Path("google", "thought_signature").Text(),
		inID,
		pending,
	} {
		if sig, ok := signature.Normalize(candidate); ok {
			return &llm.State{Provider: gemini, Signature: sig}
		}
	}
	return nil
}

// argumentsText is the text of the arguments; a client that sends them as an
// object means that object.
func argumentsText(v rawjson.Value) string {
	if s, ok := v.Str(); ok {
		return s
	}
	return string(v)
}

// actionText is the action of a built-in tool as the arguments of its function.
func actionText(v rawjson.Value) string {
	if v.Kind() != '{' {
		return "{}"
	}
	obj := rawjson.ParseObject(v)
	if obj.Get("type").Is("exec") {
		obj.Del("type")
	}
	return string(obj.Value())
}

// result adds the output of a tool. Of several outputs for one call the last
// counts; one without a call gets a call, since every provider demands it.
func (x *expander) result(at string, it *item) error {
	id, _ := signature.Split(callID(it))
	parts, err := outputParts(at+".output", it)
	if err != nil {
		return err
	}
	res := &llm.ToolResult{CallID: id, Name: it.name.Text(), Parts: parts, IsError: it.isError.True() || it.status.Is("failed")}
	msg := llm.Message{Role: llm.Tool, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: res}}}
	if i, again := x.results[id]; again {
		x.req.Messages[i] = msg
		x.drop(at, "a call has one output; the last one counts")
		return nil
	}
	if !x.calls[id] {
		x.stubCall(id, res.Name)
	}
	x.closeTurn()
	if x.results == nil {
		x.results = map[string]int{}
	}
	x.results[id] = len(x.req.Messages)
	x.req.Messages = append(x.req.Messages, msg)
	return nil
}

// outputParts reads an output: text, a list of parts, or the list of results of a
// shell, which is told as JSON.
func outputParts(at string, it *item) ([]llm.Part, error) {
	if it.typ.Is("shell_call_output") && it.output.Kind() == '[' || it.output.Kind() == '{' {
		return []llm.Part{{Kind: llm.PartText, Text: string(it.output)}}, nil
	}
	return contentParts(at, it.output)
}

// stubName stands for the unknown name of a call that the client did not send.
const stubName = "unknown_tool"

// stubCall puts a call before an output that has none: into the assistant's last
// message when only outputs stand behind it, else into one of its own.
func (x *expander) stubCall(id, name string) {
	if name == "" {
		name = stubName
	}
	x.settle()
	for ; x.heard < len(x.req.Messages); x.heard++ {
		if x.req.Messages[x.heard].Role != llm.Tool {
			x.speaker = x.heard
		}
	}
	if len(x.req.Messages) == 0 || x.req.Messages[x.speaker].Role != llm.Assistant {
		x.turn = -1
		x.open()
		x.speaker = x.turn
	}
	m := &x.req.Messages[x.speaker]
	m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: name, Arguments: "{}"}})
	x.noteCall(id)
}

// shown is a value for an error text: short, "nothing" when absent.
func shown(v rawjson.Value) string {
	if v == nil {
		return "nothing"
	}
	return clipped(string(v))
}
