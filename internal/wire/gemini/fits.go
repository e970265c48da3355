package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

var _ wire.Fitter = Wire{}

// Fits implements [wire.Fitter]. A client writes for the model whose name it knows;
// an alias or a fallback may lead to one of another generation, which refuses the
// other's way to say how long to think, penalties, or JSON beside functions.
func (Wire) Fits(req *llm.Request, t *wire.Target) bool {
	m := modelOf(t.Model)
	if !m.gemini {
		return true
	}
	if effort := req.Param("reasoning_effort"); effort.Present() {
		if !m.flash && effort.Is("none") {
			return false
		}
		if level := member(member(member(req.Body, "generationConfig"), "thinkingConfig"), "thinkingLevel"); !m.g3 && level.Present() {
			return false
		}
	}
	if m.g3 {
		return !req.Param("presence_penalty").Present() && !req.Param("frequency_penalty").Present()
	}
	return !req.Param("response_format").Present() || member(req.Body, "tools").Len() == 0
}
