package anthropic

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

var _ wire.Fitter = Wire{}

// Fits implements [wire.Fitter]. A client writes for the model whose name it knows;
// an alias or a fallback may lead to one of another generation, which refuses the
// other's kind of thinking, its sampling parameters, or a system message between
// others. Of a model that the catalog does not know nothing is held against a body.
func (Wire) Fits(req *llm.Request, t *wire.Target) bool {
	m := abilityOf(t)
	if !m.known() || t.Provider == deepSeek {
		return true
	}
	return m.takesThinking(req) && (m.sampling() || !samples(req)) &&
		(m.systemInPlace() || !systemBetween(req.Body)) && (m.prefill() || !prefilled(req.Body))
}

// takesThinking reports whether the model knows the kind of thinking that the client
// asks for.
func (a ability) takesThinking(req *llm.Request) bool {
	refused := ""
	switch {
	case !a.adaptive():
		refused = "adaptive"
	case !a.manual():
		refused = "enabled"
	}
	// Without thinking there is no effort, and the word itself is quick to find.
	if refused == "" || !req.Param(effortParam).Present() || !bytes.Contains(req.Body, []byte(refused)) {
		return true
	}
	return !req.Body.Get("thinking").Get("type").Is(refused)
}

// samples reports whether the client sets a sampling parameter to something else
// than what stands for all models.
func samples(req *llm.Request) bool {
	for _, name := range []string{"temperature", "top_p", "top_k"} {
		if v := req.Param(name); v.Present() && string(v) != "1" && string(v) != "1.0" {
			return true
		}
	}
	return false
}

// systemBetween reports whether a message is the system's. Few bodies hold the word
// at all, which is quick to see.
func systemBetween(body rawjson.Value) bool {
	if !bytes.Contains(body, []byte(`"system"`)) {
		return false
	}
	for _, m := range body.Get("messages").Elems() {
		if m.Get("role").Is(string(llm.System)) {
			return true
		}
	}
	return false
}

// prefilled reports whether the last message is the assistant's. Where the user's
// word comes later than the assistant's, it is not, which is quick to see.
func prefilled(body rawjson.Value) bool {
	if bytes.LastIndex(body, []byte(`"assistant"`)) < bytes.LastIndex(body, []byte(`"user"`)) {
		return false
	}
	last := rawjson.Value(nil)
	for _, m := range body.Get("messages").Elems() {
		last = m
	}
	return last.Get("role").Is(string(llm.Assistant))
}
