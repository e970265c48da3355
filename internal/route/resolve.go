package route

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// maxModelName bounds the name of a model in a request: longer ones are unknown
// without a look, and quoted only in part.
const maxModelName = 512

// found is what a name stands for.
type found struct {
	*group
	// captures is what the stars of a pattern stood for.
	captures []string
}

// lookup finds what answers for a name: an alias, a group, the id of a
// deployment, a pattern, a pattern for the guessed provider, and at last the
// full upstream name of a deployment.
func (t *Table) lookup(name string) (found, bool) {
	if len(name) == 0 || len(name) > maxModelName {
		return found{}, false
	}
	if target, ok := t.settings.Aliases[name]; ok {
		if f, ok := t.lookupPlain(target); ok {
			return f, true
		}
	}
	return t.lookupPlain(name)
}

func (t *Table) lookupPlain(name string) (found, bool) {
	if g := t.groups[name]; g != nil {
		return found{group: g}, true
	}
	if g := t.byID[name]; g != nil {
		return found{group: g}, true
	}
	if f, ok := t.lookupPattern(name); ok {
		return f, true
	}
	if t.settings.Guess != nil && !strings.Contains(name, "/") {
		if provider, ok := t.settings.Guess(name); ok {
			if f, ok := t.lookupPattern(provider + "/" + name); ok {
				return f, true
			}
		}
	}
	if g := t.byName[name]; g != nil {
		return found{group: g}, true
	}
	return found{}, false
}

func (t *Table) lookupPattern(name string) (found, bool) {
	if strings.Contains(name, ",") {
		return found{}, false // a list of models, never one name
	}
	for i := range t.patterns {
		if captures, ok := t.patterns[i].match(name); ok {
			g := t.patterns[i].group
			return found{group: g, captures: captures}, true
		}
	}
	return found{}, false
}

// unknown is the error for a name that nothing answers for; its two texts are
// LiteLLM's, with the nearest name added.
func (t *Table) unknown(name, endpoint string) *llm.Error {
	if strings.Contains(name, ",") {
		return llm.BadRequest("model", fmt.Sprintf("A list of models (model=%s) is not supported; send one request per model.", clip(name)))
	}
	if name == "" {
		return noHealthy("None", "")
	}
	hint := ""
	if near := t.nearest(name); near != "" {
		hint = fmt.Sprintf(" Did you mean %q?", near)
	}
	if len(t.patterns) > 0 {
		return noHealthy(clip(name), "."+hint)
	}
	e := llm.BadRequest("", fmt.Sprintf("Invalid model name passed in model=%s. Call `/v1/models` to view available models for your key.%s", clip(name), hint))
	if endpoint != "" {
		e.Message = endpoint + ": " + e.Message
	}
	return e
}

// forwardsUnknown reports whether an unknown name is a failure that fallbacks may
// cure, rather than a client's mistake: as in LiteLLM, when the table has patterns.
func (t *Table) forwardsUnknown(name string) bool {
	return len(t.patterns) > 0 && name != "" && !strings.Contains(name, ",")
}

func noHealthy(name, hint string) *llm.Error {
	return &llm.Error{
		Kind: llm.KindBadRequest, Status: http.StatusBadRequest, Type: "invalid_request_error",
		Message: fmt.Sprintf("litellm.BadRequestError: You passed in model=%s. There are no healthy deployments for this model%s", name, hint),
	}
}

// clip shortens a name for a sentence.
func clip(name string) string {
	if len(name) <= 100 {
		return name
	}
	return strings.ToValidUTF8(name[:100], "") + "…"
}
