package gemini

import (
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
	o := rawjson.ParseObject(body)
	for _, p := range e.t.ExtraBody {
		e.mergeMember(&o, p.Name, p.Value)
	}
	if e.set.generation.Kind() == '{' {
		e.mergeMember(&o, "generationConfig", e.set.generation)
	}
	e.mergeGoogle(&o, e.set.google)
	for k, v := range e.set.extra.Members() {
		if k == "google" {
			e.mergeGoogle(&o, v)
		} else {
			e.mergeMember(&o, k, v)
		}
	}
	if err := checkThinking(o.Get("generationConfig").Get("thinkingConfig")); err != nil {
		return nil, err
	}
	return o.Append(make([]byte, 0, len(body)+len(e.set.extra))), nil
}

// mergeGoogle takes the extension of Google's own OpenAI-compatible endpoint:
// extra_body.google.thinking_config and cached_content.
func (e *encoder) mergeGoogle(o *rawjson.Object, google rawjson.Value) {
	for k, v := range google.Members() {
		switch key := camel(k); native[key] {
		case inGeneration:
			gen := rawjson.Object{{Key: key, Value: camelMembers(v)}}
			e.mergeMember(o, "generationConfig", gen.Value())
		case inRequest:
			e.mergeMember(o, key, v)
		default:
			e.drop("extra_body.google."+k, "not known")
		}
	}
}

func (e *encoder) mergeMember(o *rawjson.Object, name string, v rawjson.Value) {
	key := camel(name)
	have := o.Get(key)
	if have.Kind() != '{' || v.Kind() != '{' {
		o.Set(key, v)
		return
	}
	inner := rawjson.ParseObject(have)
	for k, member := range v.Members() {
		k, member = camel(k), camelMembers(member)
		if k == "thinkingConfig" { // joined too, so that a contradiction shows
			thinking := rawjson.ParseObject(inner.Get(k))
			for name, setting := range member.Members() {
				thinking.Set(name, setting)
			}
			member = thinking.Value()
		}
		inner.Set(k, member)
	}
	o.Set(key, inner.Value())
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
