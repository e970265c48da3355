package relay

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaitext"
)

// The names of dialects, which are those of their wires.
const (
	dialectResponses = "responses"
	dialectAnthropic = "anthropic"
	dialectGemini    = "gemini"
)

// secondAPIs says which providers may answer a dialect in its own format beside
// their chat completions: the client's bytes then pass untranslated.
var secondAPIs = map[string]string{
	dialectResponses: "openai",
	"anthropic":      "deepseek",
}

// secondAPI remembers that an upstream lacks its second API; it belongs to the
// deployment.
type secondAPI struct{ missing atomic.Bool }

// wireFor chooses the wire for a client's dialect: the dialect's own where the
// upstream speaks it or may speak it beside the row's, else the row's.
func (d *Deployment) wireFor(dialect string, info *catalog.Model) wire.Wire {
	if info.Mode() == "responses" && d.maySpeak(dialectResponses) {
		dialect = dialectResponses // the model answers nowhere else
	}
	w := wires[dialect]
	if w == nil || !d.maySpeak(dialect) || d.second.missing.Load() {
		return d.Wire
	}
	return w
}

// maySpeak reports whether the upstream may have the API of a dialect. Legacy
// completions are those of models made for them, and of servers that complete text
// with every model.
func (d *Deployment) maySpeak(dialect string) bool {
	if dialect == openaitext.Name {
		return d.Row.TextCompletions || d.Row.Wire == provider.WireChat && d.Info.Mode() == "completion"
	}
	return secondAPIs[dialect] == d.Row.Name
}

// lacks looks whether the upstream has said that it has no such API.
func (x *exchange) lacks(err error) bool {
	var e *llm.Error
	if err == nil || x.begun || !errors.As(err, &e) {
		return false
	}
	switch e.UpstreamStatus {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
	default:
		return false
	}
	if m, ok := x.wire.(wire.Mender); ok && x.call != nil {
		if _, ok := m.Mend(x.call, e); ok {
			return false // the route exists, what the history names does not
		}
	}
	return e.Code != "model_not_found" // else the route exists, the model does not
}

// instead asks the chat completions of an upstream that refused with err to answer in
// its second API. When they answer, they do from now on; when they are missing too,
// or fail, that says nothing about the next request.
func (x *exchange) instead(ctx context.Context, err error) error {
	x.wire = x.dep.Wire
	second := x.try(ctx)
	if second != nil && !x.begun {
		if x.lacks(second) {
			return err
		}
		return second
	}
	x.dep.second.missing.Store(true)
	x.relay.Log.Info("the upstream does not speak the client's format; its chat completions answer from now on",
		"deployment", x.step.Deployment.ID, "format", x.rq.Dialect.Name())
	return second
}
