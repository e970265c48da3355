package gemini

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// mergeExtra merges the deployment's and the client's extra body into the written
// one, as the last word of both. Objects join member by member one level deep, so
// that an extra generationConfig adds to the translated one.
func (e *encoder) mergeExtra(body []byte) ([]byte, error) {
	if len(e.t.ExtraBody) == 0 && e.set.extra == nil && e.set.google == nil && e.set.generation == nil {
		return body, nil
	}
	m := merger{encoder: e, body: rawjson.ParseObject(body)}
	for _, p := range e.t.ExtraBody {
		m.member(p.Name, p.Value)
	}
	if e.set.generation.Kind() == '{' {
		m.member("generationConfig", e.set.generation)
	}
	m.google(e.set.google)
	m.extra(e.set.extra)
	if m.err != nil {
		return nil, m.err
	}
	if err := checkThinking(m.body.Get("generationConfig").Get("thinkingConfig")); err != nil {
		return nil, err
	}
	return m.body.Append(make([]byte, 0, len(body)+len(e.set.extra))), nil
}

// merger merges objects into a body, each member by a look at all that are there; so
// none may have more than [rawjson.MaxKeys]. err is the first that has, after which
// nothing is merged.
type merger struct {
	*encoder
	body rawjson.Object
	err  error
}

func (m *merger) allow(name string, n int) bool {
	if m.err == nil && n > rawjson.MaxKeys {
		m.err = llm.BadRequest(name, fmt.Sprintf("'%s' must not have more than %d members.", name, rawjson.MaxKeys))
	}
	return m.err == nil
}

func (m *merger) extra(v rawjson.Value) {
	if !m.allow("extra_body", v.Len()) {
		return
	}
	for k, v := range v.Members() {
		if k == "google" {
			m.google(v)
		} else {
			m.member(k, v)
		}
	}
}

// google takes the extension of Google's own OpenAI-compatible endpoint:
// extra_body.google.thinking_config and cached_content.
func (m *merger) google(v rawjson.Value) {
	if !m.allow("google", v.Len()) {
		return
	}
	for k, v := range v.Members() {
		switch key := camel(k); native[key] {
		case inGeneration:
			gen := rawjson.Object{{Key: key, Value: camelMembers(v)}}
			m.member("generationConfig", gen.Value())
		case inRequest:
			m.member(key, v)
		default:
			m.drop("extra_body.google."+k, "not known")
		}
	}
}

func (m *merger) member(name string, v rawjson.Value) {
	key := camel(name)
	have := m.body.Get(key)
	if have.Kind() != '{' || v.Kind() != '{' {
		m.body.Set(key, v)
		return
	}
	if !m.allow(name, v.Len()) {
		return
	}
	inner := rawjson.ParseObject(have)
	for k, member := range v.Members() {
		k, member = camel(k), camelMembers(member)
		if k == "thinkingConfig" { // joined too, so that a contradiction shows
			member = m.thinking(inner.Get(k), member)
		}
		inner.Set(k, member)
	}
	if m.allow(name, len(inner)) {
		m.body.Set(key, inner.Value())
	}
}

func (m *merger) thinking(have, v rawjson.Value) rawjson.Value {
	if !m.allow("thinkingConfig", have.Len()+v.Len()) {
		return v
	}
	thinking := rawjson.ParseObject(have)
	for name, setting := range v.Members() {
		thinking.Set(name, setting)
	}
	return thinking.Value()
}

// camelMembers gives an object's members the spelling of the rest of the body, so
// that no member stands there in both.
func camelMembers(v rawjson.Value) rawjson.Value {
	if v.Kind() != '{' {
		return v
	}
	o := rawjson.ParseObject(v)
	for i := range o {
		o[i].Key = camel(o[i].Key)
	}
	return o.Value()
}

// checkThinking refuses a budget beside a level, as the upstream would.
func checkThinking(cfg rawjson.Value) error {
	if cfg.Get("thinkingBudget").Present() && cfg.Get("thinkingLevel").Present() {
		return llm.BadRequest("extra_body", "The request sets both a thinking budget and a thinking level. Set one of them.")
	}
	return nil
}
