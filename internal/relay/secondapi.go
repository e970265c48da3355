package relay

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// dialectResponses is the name of the Responses dialect and of its wire.
const dialectResponses = "responses"

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
func (d *Deployment) wireFor(dialect string) wire.Wire {
	w := wires[dialect]
	if w == nil || secondAPIs[dialect] != d.Row.Name || d.second.missing.Load() {
		return d.Wire
	}
	return w
}

// learn looks whether the upstream has said that it has no such API. It is asked
// once; from then on its chat completions answer.
func (x *exchange) learn(err error) bool {
	var e *llm.Error
	if err == nil || x.begun || !errors.As(err, &e) {
		return false
	}
	switch e.UpstreamStatus {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
	default:
		return false
	}
	if e.Code == "model_not_found" {
		return false // the route exists, the model does not
	}
	x.dep.second.missing.Store(true)
	x.relay.Log.Info("the upstream does not speak the client's format; its chat completions answer from now on",
		"deployment", x.step.Deployment.ID, "format", x.rq.Dialect.Name())
	return true
}
