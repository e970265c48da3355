package openairesponses

import (
	"bytes"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// edit changes a body of this format where it must be: the model, the gateway's own
// keys, the deployment's defaults, and state of other providers in the history.
func (e *encoding) edit(body rawjson.Value) []byte {
	foreign := e.t.Repair == wire.RepairThinking || holdsForeign(body)
	dst := append(make([]byte, 0, len(body)+64), '{')
	dst = rawjson.AppendStringMember(dst, "model", e.model())
	var have []string
	for f := range body.Fields() {
		name := f.Name()
		value := f.Value
		switch {
		case name == "model" || topKeys[name] == control:
			continue
		case slices.Contains(e.t.Policy.Also, name):
			e.dropped(name, "named in additional_drop_params")
			continue
		case name == "background" && value.True():
			// The answer could only be read from the upstream, under a key that the client
			// does not have; in the foreground it comes back at once.
			e.dropped(name, "the gateway answers in the foreground")
			continue
		case slices.ContainsFunc(e.t.ExtraBody, func(p llm.Param) bool { return p.Name == name }):
			continue
		case name == "input":
			if foreign {
				value = e.cleanInput(value)
			}
			value = e.recalled(body, value)
		}
		have = append(have, name)
		dst = append(append(rawjson.AppendComma(dst), f.Key...), ':')
		dst = append(dst, value...)
	}
	dst = e.appendDefaults(dst, have)
	return append(e.appendExtra(dst, body), '}')
}

// appendDefaults adds what the deployment sets and the client does not.
func (e *encoding) appendDefaults(dst []byte, have []string) []byte {
	if len(e.t.Defaults) == 0 {
		return dst
	}
	for _, p := range e.t.Defaults {
		e.translate(p)
	}
	for _, m := range e.members {
		if !slices.Contains(have, m.Key) {
			dst = rawjson.AppendMember(dst, m.Key, m.Value)
		}
	}
	return dst
}

// appendExtra adds the members of the client's extra_body that it did not write at
// the top level, and those of the deployment, which win.
func (e *encoding) appendExtra(dst []byte, body rawjson.Value) []byte {
	extra := body.Get("extra_body")
	if extra.Kind() == '{' {
		own := make(map[string]bool, 16)
		for name := range body.Members() {
			own[name] = true
		}
		for name, v := range extra.Members() {
			if c := topKeys[name]; c != leading && c != control && !own[name] {
				dst = rawjson.AppendMember(dst, name, v)
			}
		}
	}
	for _, p := range e.t.ExtraBody {
		dst = rawjson.AppendMember(dst, p.Name, p.Value)
	}
	return dst
}

// holdsForeign reports whether the history may hold what the gateway put there for
// another provider.
func holdsForeign(body []byte) bool {
	for _, mark := range []string{envelopeMark, signature.Mark, `"provider_specific_fields"`, `"extra_content"`} {
		if bytes.Contains(body, []byte(mark)) {
			return true
		}
	}
	return false
}

// cleanInput removes state of other providers from the items.
func (e *encoding) cleanInput(input rawjson.Value) rawjson.Value {
	if input.Kind() != '[' {
		return input
	}
	dst := append(make([]byte, 0, len(input)), '[')
	for i, v := range input.Elems() {
		kept, changed := e.cleanItem(v)
		if changed {
			e.dropped(place("input", i), "reasoning state that another provider made")
		}
		if kept != nil {
			dst = append(rawjson.AppendComma(dst), kept...)
		}
	}
	return append(dst, ']')
}

func (e *encoding) cleanItem(v rawjson.Value) (kept rawjson.Value, changed bool) {
	repair := e.t.Repair == wire.RepairThinking
	if v.Get("type").Is("reasoning") {
		_, own := openEnvelope(v.Get("encrypted_content").Text())
		if own || repair {
			return nil, true
		}
		return v, false
	}
	id, sig := signature.Split(v.Get("call_id").Text())
	if v.Kind() != '{' || (!repair && sig == "" && v.Get("provider_specific_fields") == nil && v.Get("extra_content") == nil) {
		return v, false
	}
	obj := rawjson.ParseObject(v)
	obj.Del("provider_specific_fields")
	obj.Del("extra_content")
	if repair && !v.Get("type").Is("item_reference") {
		obj.Del("id")
	}
	if sig != "" {
		obj.Set("call_id", rawjson.String(id))
	}
	return obj.Value(), true
}
