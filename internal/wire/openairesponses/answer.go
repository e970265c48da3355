package openairesponses

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response writes a whole answer. One that came in this format (resp.Body) goes
// out as it came, with the client's name of the model.
func (Dialect) Response(req *llm.Request, resp *llm.Response, a wire.Answer) []byte {
	if resp.Body != nil {
		out := spliceModel(make([]byte, 0, len(resp.Body)+len(a.Model)+16), resp.Body, a.Model)
		tell(a, rawjson.Value(out))
		return out
	}
	o := newObject(req, a, resp.ID, resp.Created, resp.ServiceTier)
	items := itemList{tools: offered{req: req}, a: a, object: o}
	e := ending{status: "completed"}
	if len(resp.Choices) > 0 {
		c := &resp.Choices[0]
		e = endingOf(c.Finish)
		e.fields = c.Fields
		for i := range c.Parts {
			items.part(&c.Parts[i])
		}
		items.annotate(c)
	}
	e.usage = resp.Usage
	out := o.append(make([]byte, 0, 2048), items.output(&e), &e)
	tell(a, out)
	return out
}

func tell(a wire.Answer, answer rawjson.Value) {
	if a.OnDone != nil {
		a.OnDone(answer.Get("id").Text(), answer)
	}
}

// spliceModel appends body with its top-level model replaced.
func spliceModel(dst []byte, body rawjson.Value, model string) []byte {
	for f := range body.Fields() {
		if f.Key.Is("model") {
			dst = append(dst, body[:f.Start]...)
			dst = rawjson.AppendString(dst, model)
			return append(dst, body[f.End:]...)
		}
	}
	return append(dst, body...)
}

// itemList collects the items of an answer.
type itemList struct {
	tools  offered
	a      wire.Answer
	object *object
	items  []*outputItem
}

func (l *itemList) last() *outputItem {
	if len(l.items) == 0 {
		return nil
	}
	return l.items[len(l.items)-1]
}

// add appends an item; its id follows from its kind and place.
func (l *itemList) add(k itemKind) *outputItem {
	it := &outputItem{kind: k, index: len(l.items)}
	if k != callItem {
		it.id = l.object.itemID(prefixes[k], it.index)
	}
	l.items = append(l.items, it)
	return it
}

// growing returns the last item when it is of this kind and may still grow, else a
// new one.
func (l *itemList) growing(k itemKind) *outputItem {
	if it := l.last(); it != nil && it.kind == k && !it.closed {
		return it
	}
	return l.add(k)
}

// part adds a part of a whole answer.
func (l *itemList) part(p *llm.Part) {
	switch p.Kind {
	case llm.PartThinking:
		if p.Text == "" && p.State == nil {
			return
		}
		it := l.add(reasoningItem)
		it.text = append(it.text, p.Text...)
		it.keep(p.State)
	case llm.PartText:
		l.text(textItem, p.Text, p.State)
	case llm.PartRefusal:
		l.text(refusalItem, p.Text, nil)
	case llm.PartImage:
		l.add(imageItem).media = p.Media
	case llm.PartToolCall:
		if !p.Call.Server {
			it := l.call(p.Call, p.State)
			it.text = append(it.text, p.Call.Arguments...)
		}
	}
}

func (l *itemList) text(k itemKind, s string, st *llm.State) *outputItem {
	it := l.growing(k)
	it.text = append(it.text, s...)
	if sig := thoughtSignature(st); sig != "" {
		it.sign = sig
	}
	return it
}

// call adds a tool call; a thought signature also goes into a reasoning item before
// it. Source: §2.9, emit 3.
func (l *itemList) call(c *llm.ToolCall, st *llm.State) *outputItem {
	sig := thoughtSignature(st)
	if sig != "" {
		before := l.last()
		if before == nil || before.kind != reasoningItem || !before.state.empty() {
			before = l.add(reasoningItem)
		}
		before.closed = true
		before.state.provider = gemini
		before.state.signatures = append(before.state.signatures, sig)
	}
	it := l.add(callItem)
	it.begin(&l.tools, c, sig, l.a.SignatureInID)
	it.id = l.object.itemID(callPrefixes[it.tool.kind], it.index)
	return it
}

// annotate puts what a choice says of its text as a whole onto the text.
func (l *itemList) annotate(c *llm.Choice) {
	for _, it := range l.items {
		if it.kind == textItem {
			it.annotations, it.logprobs = c.Annotations, c.Logprobs
			return
		}
	}
}

// output writes the items; the last one of an incomplete answer is incomplete.
func (l *itemList) output(e *ending) []byte {
	var dst []byte
	for _, it := range l.items {
		dst = it.append(listComma(dst), l.status(it, e), true)
	}
	return dst
}

func (l *itemList) status(it *outputItem, e *ending) string {
	if e.incomplete != "" && it == l.last() {
		return "incomplete"
	}
	return "completed"
}

// listComma is AppendComma for a list that is written without its brackets.
func listComma(dst []byte) []byte {
	if len(dst) == 0 {
		return dst
	}
	return append(dst, ',')
}

// thoughtSignature is Gemini's signature in a state, "" for any other state.
func thoughtSignature(s *llm.State) string {
	if s == nil || s.Provider != gemini {
		return ""
	}
	return s.Signature
}
