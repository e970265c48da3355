package relay

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// What is known of an OpenAI-compatible upstream's Responses API.
const (
	responsesUnknown int32 = iota
	responsesMissing
)

// responsesAPI remembers whether an upstream has one; it belongs to the deployment.
type responsesAPI struct{ state atomic.Int32 }

// wireFor chooses the wire for a client's dialect: the Responses API where the
// client speaks it and the upstream has it or may have it, else the row's own.
func (d *Deployment) wireFor(dialect string) wire.Wire {
	w := wires[dialect]
	if dialect != dialectResponses || w == nil || d.Row.Name != "openai" || d.responses.state.Load() == responsesMissing {
		return d.Wire
	}
	return w
}

// dialectResponses is the name of the Responses dialect and of its wire.
const dialectResponses = "responses"

// learn looks whether the upstream has said that it has no Responses API. It is
// asked once; from then on its chat completions answer.
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
	x.dep.responses.state.Store(responsesMissing)
	x.relay.Log.Info("the upstream has no Responses API; its chat completions answer from now on", "deployment", x.step.Deployment.ID)
	return true
}
