package gemini

import (
	"bytes"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// encodeNative edits the body of a client of the same format: everything passes as
// it came except what this upstream would refuse.
func encodeNative(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	e := nativeEdit{encoder: encoder{req: req, t: t, model: modelOf(t.Model)}}
	body, err := e.edit()
	if err != nil {
		return nil, err
	}
	return &wire.Call{
		Path: path(t.Model, req.Stream), Body: body, Dropped: e.drops, Request: req, Target: t, Native: true, Signatures: e.signatures,
	}, nil
}

// nativeEdit is one body on its way to one target.
type nativeEdit struct {
	encoder
	run   modelRun
	edits []splice
	// signatures counts those that were put back, recalledBytes their size.
	signatures, recalledBytes int
}

// splice is a text that takes the place of body[start:end]; nil leaves it.
type splice struct {
	start, end int
	text       []byte
}

// modelRun is what is known of the contents of the model that follow each other:
// together they are one step, of which Gemini demands one signature.
type modelRun struct {
	// first is the index in edits of its first call, when that has no signature.
	first int
	call  rawjson.Object
	made  rawjson.Value // its functionCall
	// marked says that it has the placeholder, which the real one is better than.
	marked bool
	calls  bool // a call has been seen
	// signed says that the step has its signature: on a call, or late (§2.8 G9).
	signed bool
}

// studioRefuses are members that AI Studio does not know; SDKs send them for Vertex
// (§2.1).
var studioRefuses = map[string]bool{"labels": true, "modelArmorConfig": true}

func (e *nativeEdit) edit() ([]byte, error) {
	body, top := e.req.Body, topFields(e.req.Body)
	for _, f := range top {
		if f.name == "contents" {
			e.contents(f.Start, f.End)
		}
	}
	if len(e.edits) > 0 {
		body = e.spliced()
	}
	over, err := e.overrides(top)
	if err != nil || !e.mustEdit(top, over) {
		return body, err
	}
	return e.top(body, over)
}

// spliced copies the body with its edits.
func (e *nativeEdit) spliced() rawjson.Value {
	body, from := e.req.Body, 0
	out := make([]byte, 0, len(body)+256)
	for _, s := range e.edits {
		if s.text != nil {
			out = append(append(out, body[from:s.start]...), s.text...)
			from = s.end
		}
	}
	return append(out, body[from:]...)
}

// contents walks the parts of the history by their places in the body.
func (e *nativeEdit) contents(start, end int) {
	c := rawjson.Cursor{B: e.req.Body[:end], I: start}
	e.list(&c, e.content)
	e.endRun()
}

// list visits the elements of a list, or the one that stands for it.
func (e *nativeEdit) list(c *rawjson.Cursor, visit func(*rawjson.Cursor)) {
	switch c.Peek() {
	case '{':
		visit(c)
	case '[':
		for ok := c.Open('['); ok; ok = c.Next() {
			visit(c)
		}
	default:
		c.Skip()
	}
}

func (e *nativeEdit) content(c *rawjson.Cursor) {
	start := c.I
	v := c.Skip()
	if v.Kind() != '{' {
		return
	}
	if !member(v, "role").Is("model") {
		e.endRun()
	}
	for f := range v.Fields() {
		if memberName(f.Key) == "parts" {
			inner := rawjson.Cursor{B: e.req.Body[:start+f.End], I: start + f.Start}
			e.list(&inner, e.part)
		}
	}
}

// part changes one part of the history where it must.
func (e *nativeEdit) part(c *rawjson.Cursor) {
	start := c.I
	v := c.Skip()
	var sig, call, result, text rawjson.Value
	for name, m := range members(v) {
		switch name {
		case "thoughtSignature":
			sig = m
		case "functionCall":
			call = m
		case "functionResponse":
			result = m
		case "text":
			text = m
		}
	}
	if sig == nil && call == nil && result == nil {
		return
	}
	kept := sig != nil && e.keeps(sig.Text())
	o := rawjson.ParseObject(v)
	changed := sig != nil && !kept
	if changed {
		o.Del("thoughtSignature")
		o.Del("thought_signature")
	}
	if !e.model.g3 {
		changed = dropID(o) || changed
	} else {
		changed = plainIDs(o) || changed
	}
	edit := splice{start: start, end: c.I}
	if changed {
		edit.text = o.Value()
	}
	if call != nil && !e.run.calls && kept && isPlaceholder(sig) {
		e.run.marked, kept = true, false
	}
	e.note(edit, o, call, kept, text.Is(""))
}

// isPlaceholder reports whether a signature is one of those that skip the check.
func isPlaceholder(sig rawjson.Value) bool {
	std, _ := signature.Normalize(sig.Text())
	return std == signature.Placeholder
}

// note remembers an edit, and what it means for the run.
func (e *nativeEdit) note(edit splice, o rawjson.Object, made rawjson.Value, signed, empty bool) {
	r, call := &e.run, made != nil
	if call && !r.calls && !signed {
		r.first, r.call, r.made = len(e.edits), o, made
		e.edits = append(e.edits, edit)
	} else if edit.text != nil {
		e.edits = append(e.edits, edit)
	}
	r.signed = r.signed || signed && (call || (empty && r.calls))
	r.calls = r.calls || call
}

// endRun gives the first call of a step without a signature the one that it came with,
// from generation 3 on, or the placeholder: the history came from another model, or the
// upstream refused it.
func (e *nativeEdit) endRun() {
	if r := &e.run; r.call != nil && !r.signed && e.model.g3 {
		sig := e.recalled(r.made)
		switch {
		case sig == "" && r.marked:
		case sig == "":
			e.sign(signature.Placeholder)
		default:
			e.sign(sig)
		}
	}
	e.run = modelRun{}
}

func (e *nativeEdit) sign(sig string) {
	r := &e.run
	r.call.Del("thought_signature")
	r.call.Set("thoughtSignature", rawjson.String(sig))
	e.edits[r.first].text = r.call.Value()
}

// keeps reports whether a signature may go upstream as it is: not another
// provider's state, not a placeholder for models that ask for none, and none at all
// after the upstream has refused one.
func (e *nativeEdit) keeps(sig string) bool {
	std, ok := signature.Normalize(sig)
	if !ok || e.repairs() {
		return false
	}
	return !isEnvelope(std) && (e.model.g3 || std != signature.Placeholder)
}

// dropID removes the id of a call or result, which models before generation 3
// refuse.
func dropID(o rawjson.Object) (changed bool) {
	for i := range o {
		switch memberName(rawjson.String(o[i].Key)) {
		case "functionCall", "functionResponse":
			inner := rawjson.ParseObject(o[i].Value)
			if inner.Del("id") {
				o[i].Value, changed = inner.Value(), true
			}
		}
	}
	return changed
}

// plainIDs cuts the signature off the ids of a call or result that a client brings from
// another dialect.
func plainIDs(o rawjson.Object) (changed bool) {
	for i := range o {
		switch memberName(rawjson.String(o[i].Key)) {
		case "functionCall", "functionResponse":
			id := o[i].Value.Get("id")
			if !bytes.Contains(id, []byte("_t")) { // both marks of a signature hold it
				continue
			}
			if base, sig := signature.Split(id.Text()); sig != "" {
				inner := rawjson.ParseObject(o[i].Value)
				inner.Set("id", rawjson.String(base))
				o[i].Value, changed = inner.Value(), true
			}
		}
	}
	return changed
}

// top edits the members of the request itself: the deployment's settings come in,
// what the gateway or AI Studio has no use for goes.
func (e *nativeEdit) top(body rawjson.Value, over []llm.Param) ([]byte, error) {
	o := rawjson.ParseObject(body)
	for _, m := range slices.Clone(o) {
		switch name := camel(m.Key); {
		case name == "model" || name == "stream": // both stand in the path
			o.Del(m.Key)
		case studioRefuses[name]:
			o.Del(m.Key)
			e.drop(name, "AI Studio does not know it")
		}
	}
	if err := e.addSettings(&o, e.t.Defaults, false); err != nil {
		return nil, err
	}
	if err := e.addSettings(&o, over, true); err != nil {
		return nil, err
	}
	e.also(&o)
	m := merger{encoder: &e.encoder, body: o}
	for _, p := range e.t.ExtraBody {
		m.member(p.Name, p.Value)
	}
	if m.err != nil {
		return nil, m.err
	}
	return m.body.Append(make([]byte, 0, len(body)+128)), nil
}

func (e *nativeEdit) mustEdit(top []topField, over []llm.Param) bool {
	if len(e.t.Defaults)+len(e.t.ExtraBody)+len(e.t.Policy.Also)+len(over) > 0 {
		return true
	}
	return slices.ContainsFunc(top, func(f topField) bool {
		return f.name == "model" || f.name == "stream" || studioRefuses[f.name]
	})
}

// overrides are the parameters that somebody put over the client's, such as those
// of a fallback: the ones that its body does not say.
func (e *nativeEdit) overrides(top []topField) ([]llm.Param, error) {
	if len(e.req.Params) == 0 {
		return nil, nil
	}
	own := decoder{req: &llm.Request{}}
	for _, f := range top {
		if err := own.member(f.name, f.Value); err != nil {
			return nil, err
		}
		if f.name == "tools" && e.req.Expanded { // for a fallback that came before
			x := expander{req: own.req, room: rereadRoom(len(e.req.Body))}
			if err := x.tools(f.Value); err != nil {
				return nil, err
			}
		}
	}
	var over []llm.Param
	for _, p := range e.req.Params {
		if !bytes.Equal(own.req.Param(p.Name), p.Value) {
			over = append(over, p)
		}
	}
	return over, nil
}

// addSettings writes parameters of Chat Completions as members of the request. What
// the client wrote wins unless they are to win.
func (e *nativeEdit) addSettings(o *rawjson.Object, params []llm.Param, win bool) error {
	if len(params) == 0 {
		return nil
	}
	t := *e.t
	t.Defaults = nil
	s := encoder{req: &llm.Request{From: Name, Params: params, LenientParams: true}, t: &t, model: e.model}
	if err := s.settings(); err != nil {
		return err
	}
	if err := s.format(); err != nil {
		return err
	}
	e.drops = append(e.drops, s.drops...)
	gen := rawjson.ParseObject(firstOf(*o, "generationConfig", "generation_config"))
	for i := range gen {
		gen[i].Key = camel(gen[i].Key)
	}
	for _, m := range s.set.gen {
		if win || gen.Get(m.Key) == nil {
			gen.Set(m.Key, m.Value)
		}
	}
	if len(s.set.gen) > 0 {
		o.Del("generation_config")
		o.Set("generationConfig", gen.Value())
	}
	for _, m := range s.set.top {
		if win || o.Get(m.Key) == nil {
			o.Set(m.Key, m.Value)
		}
	}
	return nil
}

func firstOf(o rawjson.Object, names ...string) rawjson.Value {
	for _, name := range names {
		if v := o.Get(name); v.Present() {
			return v
		}
	}
	return nil
}

// also removes what additional_drop_params names, by the names of Chat Completions
// or Gemini's own.
func (e *nativeEdit) also(o *rawjson.Object) {
	for _, name := range e.t.Policy.Also {
		key := camel(name)
		if n, ok := numbers[name]; ok {
			key = n.name
		}
		found := o.Del(key) || o.Del(name)
		for i := range *o {
			if m := &(*o)[i]; camel(m.Key) == "generationConfig" {
				gen := rawjson.ParseObject(m.Value)
				if gen.Del(key) || gen.Del(name) {
					m.Value, found = gen.Value(), true
				}
			}
		}
		if found {
			e.drop(name, "named in additional_drop_params")
		}
	}
}
