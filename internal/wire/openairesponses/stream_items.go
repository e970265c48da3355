package openairesponses

import (
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// advance writes what is known of the open item, and goes on to the next one as
// soon as it is whole and another one waits.
func (e *encoder) advance(dst []byte) []byte {
	for e.open < len(e.list.items) {
		it := e.list.items[e.open]
		dst = e.pieces(e.tell(dst, it), it)
		if e.open == len(e.list.items)-1 || !it.whole() {
			break
		}
		dst = e.done(dst, it, "completed")
	}
	return dst
}

// whole reports whether nothing can come for an item any more once another has
// begun: arguments must be complete JSON, since providers may interleave calls.
func (it *outputItem) whole() bool {
	if it.kind != callItem || it.call.Custom {
		return true
	}
	if n := len(it.text); n == 0 || it.text[n-1] != '}' {
		return false
	}
	_, err := rawjson.Check(it.text)
	return err == nil
}

// tell announces the open item once.
func (e *encoder) tell(dst []byte, it *outputItem) []byte {
	if e.told {
		return dst
	}
	e.told = true
	dst = e.place(e.event(dst, "response.output_item.added"), it)
	dst = append(dst, `,"item":`...)
	dst = endEvent(it.append(dst, "in_progress", false))
	if it.kind == textItem || it.kind == refusalItem {
		dst = e.content(e.event(dst, "response.content_part.added"), it)
		dst = append(dst, `,"part":`...)
		dst = endEvent(it.appendPart(dst, false))
	}
	return dst
}

// place appends where an item stands in the output.
func (e *encoder) place(dst []byte, it *outputItem) []byte {
	return rawjson.AppendInt(append(dst, `,"output_index":`...), int64(it.index))
}

// content appends the members that name an item and the one part it has.
func (e *encoder) content(dst []byte, it *outputItem) []byte {
	dst = append(append(append(dst, `,"item_id":"`...), it.id...), '"')
	dst = e.place(dst, it)
	switch it.kind {
	case textItem, refusalItem:
		return append(dst, `,"content_index":0`...)
	case reasoningItem:
		return append(dst, `,"summary_index":0`...)
	}
	return dst
}

// deltas are the types of the events that bring a piece of an item.
var deltas = map[itemKind]string{
	reasoningItem: "response.reasoning_summary_text.delta", textItem: "response.output_text.delta",
	refusalItem: "response.refusal.delta", callItem: "response.function_call_arguments.delta",
}

// pieces writes what the client has not seen yet of the open item.
func (e *encoder) pieces(dst []byte, it *outputItem) []byte {
	if it.sent == len(it.text) || (it.kind == callItem && !it.progressive()) {
		return dst
	}
	if it.sent == 0 && it.kind == reasoningItem {
		dst = e.content(e.event(dst, "response.reasoning_summary_part.added"), it)
		dst = endEvent(append(dst, `,"part":{"type":"summary_text","text":""}`...))
	}
	dst = e.content(e.event(dst, deltas[it.kind]), it)
	dst = rawjson.AppendString(append(dst, `,"delta":`...), string(it.text[it.sent:]))
	it.sent = len(it.text)
	if it.kind == textItem {
		dst = append(dst, `,"logprobs":[]`...)
	}
	return endEvent(dst)
}

// done writes the end of the open item.
func (e *encoder) done(dst []byte, it *outputItem, status string) []byte {
	if it.kind == callItem && it.progressive() && len(it.text) == 0 {
		it.text = append(it.text, "{}"...)
	}
	dst = e.pieces(dst, it)
	switch it.kind {
	case reasoningItem:
		dst = e.reasoningDone(dst, it)
	case textItem, refusalItem:
		dst = e.textDone(dst, it)
	case callItem:
		dst = e.callDone(dst, it)
	}
	dst = e.place(e.event(dst, "response.output_item.done"), it)
	dst = append(dst, `,"item":`...)
	e.open++
	e.told = false
	return endEvent(it.append(dst, status, true))
}

func (e *encoder) reasoningDone(dst []byte, it *outputItem) []byte {
	if len(it.text) == 0 {
		return dst
	}
	dst = e.content(e.event(dst, "response.reasoning_summary_text.done"), it)
	dst = endEvent(rawjson.AppendStringMember(dst, "text", string(it.text)))
	dst = e.content(e.event(dst, "response.reasoning_summary_part.done"), it)
	return endEvent(it.appendSummary(append(dst, `,"part":`...)))
}

func (e *encoder) textDone(dst []byte, it *outputItem) []byte {
	if it.kind == textItem {
		dst = e.content(e.event(dst, "response.output_text.done"), it)
		dst = append(rawjson.AppendStringMember(dst, "text", string(it.text)), `,"logprobs":[]`...)
	} else {
		dst = e.content(e.event(dst, "response.refusal.done"), it)
		dst = rawjson.AppendStringMember(dst, "refusal", string(it.text))
	}
	dst = e.content(e.event(endEvent(dst), "response.content_part.done"), it)
	return endEvent(it.appendPart(append(dst, `,"part":`...), true))
}

func (e *encoder) callDone(dst []byte, it *outputItem) []byte {
	switch it.tool.kind {
	case function:
		dst = e.content(e.event(dst, "response.function_call_arguments.done"), it)
		dst = rawjson.AppendStringMember(dst, "name", it.tool.name)
		return endEvent(rawjson.AppendStringMember(dst, "arguments", string(it.text)))
	case custom:
		input := it.input()
		if input != "" {
			dst = e.content(e.event(dst, "response.custom_tool_call_input.delta"), it)
			dst = endEvent(rawjson.AppendStringMember(dst, "delta", input))
		}
		dst = e.content(e.event(dst, "response.custom_tool_call_input.done"), it)
		return endEvent(rawjson.AppendStringMember(dst, "input", input))
	}
	return dst
}
