package openairesponses

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// follower tells the tap of the reasoning items of an answer that passes through, whole
// as they came, and of the calls after them. Items without encrypted content hold
// nothing that another request could bring back.
type follower struct {
	call    *wire.Call
	thought bool
	calls   int
}

func (f *follower) item(v rawjson.Value) {
	if f.call.Tap == nil {
		return
	}
	switch kind := string(v.Get("type").Bare()); kind {
	case "reasoning":
		if v.Get("encrypted_content").Present() {
			f.thought = true
			f.call.Tell(llm.Event{Kind: llm.EventThinking, State: &llm.State{Redacted: string(v)}})
		}
	case "function_call", "custom_tool_call":
		if f.thought {
			call := callItemOf(v, kind)
			f.call.Tell(llm.Event{Kind: llm.EventToolCall, Index: f.calls, Call: call, Delta: call.Arguments})
			f.calls++
		}
	}
}

func callItemOf(v rawjson.Value, kind string) *llm.ToolCall {
	id, _ := signature.Split(v.Get("call_id").Text())
	call := &llm.ToolCall{ID: id, Name: v.Get("name").Text()}
	if kind == "custom_tool_call" {
		call.Custom, call.Arguments = true, v.Get("input").Text()
		return call
	}
	call.Arguments = v.Get("arguments").Text()
	return call
}

// recalled puts reasoning items back that a client has dropped from before the calls
// that they led to. A request that leans on what the upstream has kept is left alone:
// the items are there already.
func (e *encoding) recalled(body, input rawjson.Value) rawjson.Value {
	if e.t.Recall == nil || e.t.Repair == wire.RepairThinking || !bytes.Contains(input, []byte("_call")) ||
		bytes.Contains(input, []byte(`"item_reference"`)) || body.Get("previous_response_id").Present() || body.Get("conversation").Present() {
		return input
	}
	var dst rawjson.Value
	from := 0 // what is before it has been copied
	thought := false
	c := rawjson.Cursor{B: input}
	for ok := c.Open('['); ok; ok = c.Next() {
		start := c.I
		v := c.Skip()
		switch kind := string(v.Get("type").Bare()); kind {
		case "reasoning":
			thought = true
		case "function_call", "custom_tool_call":
			if thought {
				continue
			}
			if items := e.ask(callItemOf(v, kind)); items != nil {
				dst = append(append(append(dst, input[from:start]...), items...), ',')
				from = start
			}
			thought = true // the calls after it belong to the same step
		default:
			thought = thought && !endsStep(v, kind)
		}
	}
	if dst == nil {
		return input
	}
	return append(dst, input[from:]...)
}

// endsStep reports whether an item is not the model's: what follows is another answer.
func endsStep(v rawjson.Value, kind string) bool {
	return kind == "function_call_output" || kind == "custom_tool_call_output" || !v.Get("role").Is(string(llm.Assistant)) && v.Get("role").Present()
}

// ask asks the memory for the reasoning items of the answer that made a call.
func (e *encoding) ask(call *llm.ToolCall) (items []byte) {
	_, blocks := e.t.Recall.State(call)
	n := 0
	for i := range blocks {
		if item := blocks[i].State.Redacted; item != "" {
			items = append(rawjson.AppendComma(items), item...)
			n++
		}
	}
	if len(items) > wire.MaxRecalled-e.recalledBytes {
		return nil
	}
	e.recalledBytes += len(items)
	e.blocks += n
	return items
}
