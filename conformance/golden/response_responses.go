package golden

import (
	"slices"
	"strings"
)

func (r reading) responses(body any) any {
	b, ok := body.(object)
	if !ok {
		return body
	}
	if _, ok := b["output"]; !ok {
		return pruneObject(b)
	}
	id := str(b["id"])
	o := object{
		"object": b["object"], "status": b["status"], "model": b["model"], "id": id[:min(len(id), 5)],
		"output": outputItems(objects(b["output"])), "usage": r.responsesUsage(obj(b["usage"])),
	}
	if reason := obj(b["incomplete_details"]); len(reason) > 0 {
		o["incomplete"] = reason["reason"]
	}
	if e := obj(b["error"]); len(e) > 0 {
		o["error"] = e["code"]
	}
	return o
}

func (r reading) responsesUsage(u object) object {
	o := pick(u, "input_tokens", "output_tokens", "total_tokens")
	if c := get(u, "input_tokens_details", "cached_tokens"); truthy(c) {
		o["cached"] = c
	}
	if c := get(u, "output_tokens_details", "reasoning_tokens"); r.countsReasoning() && truthy(c) {
		o["reasoning"] = c
	}
	return o
}

// outputItems reduces items; a reasoning item without text is an envelope only and does not count.
func outputItems(items []object) []any {
	out := []any{}
	for _, it := range items {
		switch it["type"] {
		case "reasoning":
			if text := reasoningText(it); text != "" {
				out = append(out, object{"type": "reasoning", "text": text})
			}
		case "message":
			out = append(out, object{"type": "message", "role": it["role"], "status": it["status"], "content": outputTexts(it)})
		case "function_call":
			out = append(out, functionCallItem(it))
		default:
			x := pruneObject(it)
			delete(x, "id")
			out = append(out, x)
		}
	}
	return out
}

func reasoningText(it object) string {
	var b strings.Builder
	for _, k := range []string{"summary", "content"} {
		for _, s := range objects(it[k]) {
			b.WriteString(str(s["text"]))
		}
	}
	return b.String()
}

func outputTexts(it object) []any {
	out := []any{}
	for _, c := range objects(it["content"]) {
		text, ok := c["text"]
		if !ok {
			text = c["refusal"]
		}
		out = append(out, object{"type": c["type"], "text": text})
	}
	return out
}

func functionCallItem(it object) object {
	x := object{"type": "function_call", "name": it["name"], "args": arguments(it["arguments"]), "status": it["status"], "call_id": truthy(it["call_id"])}
	if s := signatureOf(it["call_id"]); s != "" {
		x["signature_in_id"] = s
	}
	return x
}

// responsesStream reassembles the events of the Responses API and checks their protocol.
func (r reading) responsesStream(text string) (any, kept) {
	events, _ := parseEvents(text)
	rules := kept{}
	all := streamObjects(events, rules)
	rules[ruleEventName] = namesMatch(all)
	s := &responseAssembly{itemIDs: map[float64]any{}, idsAgree: true}
	for _, e := range all {
		s.event(e.object)
	}
	s.report(rules)
	return s.result(r), rules
}

type responseAssembly struct {
	names              []string
	sequence           []any
	text, args         string // of the deltas
	doneText, doneArgs string // of the done events
	final              object
	doneItems          []object
	itemIDs            map[float64]any // by output_index
	idsAgree           bool
	err                any
}

func (s *responseAssembly) event(e object) {
	kind := str(e["type"])
	s.names = append(s.names, kind)
	s.sequence = append(s.sequence, e["sequence_number"])
	s.checkItemID(kind, e)
	switch kind {
	case "response.output_item.done":
		s.doneItems = append(s.doneItems, obj(e["item"]))
	case "response.output_text.delta":
		s.text += str(e["delta"])
	case "response.function_call_arguments.delta":
		s.args += str(e["delta"])
	case "response.output_text.done":
		s.doneText += str(e["text"])
	case "response.function_call_arguments.done":
		s.doneArgs += str(e["arguments"])
	case "response.completed", "response.incomplete", "response.failed":
		s.final = obj(e["response"])
	default:
		if _, failed := e["error"]; kind == "error" || failed {
			s.err = firstTruthy(e["code"], get(e, "error", "type"))
		}
	}
}

func (s *responseAssembly) checkItemID(kind string, e object) {
	at := num(e["output_index"])
	if kind == "response.output_item.added" {
		s.itemIDs[at] = get(e, "item", "id")
		return
	}
	if id := e["item_id"]; id != nil && s.itemIDs[at] != nil && !equal(id, s.itemIDs[at]) {
		s.idsAgree = false
	}
}

var responsesEnds = []string{"response.completed", "response.incomplete", "response.failed"}

func (s *responseAssembly) report(rules kept) {
	n := len(s.names)
	rules["starts with response.created, response.in_progress"] = n > 1 && slices.Equal(s.names[:2], []string{"response.created", "response.in_progress"})
	rules["ends with response.completed/incomplete/failed"] = n > 0 && slices.Contains(responsesEnds, s.names[n-1])
	counted := true
	for i, x := range s.sequence {
		counted = counted && equal(x, float64(i))
	}
	rules["sequence_number 0,1,2…"] = counted
	rules["item ids equal in added and deltas"] = s.idsAgree
	rules["output_item.done for every item"] = s.final != nil && len(s.doneItems) == len(list(s.final["output"]))
	delta := slices.Index(s.names, "response.output_text.delta")
	added := slices.Index(s.names, "response.output_item.added")
	rules["added before deltas"] = delta < 0 || added >= 0 && added < delta
}

func (s *responseAssembly) result(r reading) object {
	seen := object{}
	for _, n := range s.names {
		if n != "" {
			seen[n] = true
		}
	}
	items := outputItems(s.doneItems)
	for _, x := range items {
		delete(obj(x), "signature_in_id")
	}
	o := object{"delta_text": s.text, "delta_args": arguments(s.args), "final": nil, "items": items, "events": seen}
	if s.final != nil {
		o["final"] = r.responses(s.final)
	}
	if s.doneText != "" {
		o["done_text"] = s.doneText
	}
	if s.doneArgs != "" {
		o["done_args"] = arguments(s.doneArgs)
	}
	if s.err != nil {
		o["error"] = s.err
	}
	return o
}
