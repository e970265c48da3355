package relay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaitext"
)

// textWire speaks legacy completions; errors and the gateway's own keys are those of
// the chat format.
var textWire = &openaitext.Wire{Gateway: openaichat.GatewayKey, Errors: openaichat.Wire{}.Error}

// tasksOnly is the wire of vendors that hold no conversations: it refuses them, and
// reads the errors of their tasks.
type tasksOnly struct{ openaichat.Wire }

// Name returns "tasks".
func (tasksOnly) Name() string { return provider.WireTasks }

// Native returns "": nothing passes.
func (tasksOnly) Native() string { return "" }

// Encode refuses a conversation and says what the vendor has instead.
func (tasksOnly) Encode(_ *llm.Request, t *wire.Target) (*wire.Call, error) {
	var paths []string
	if row, ok := provider.Get(t.Provider); ok {
		for task := range row.Tasks {
			paths = append(paths, "/v1/"+task)
		}
	}
	slices.Sort(paths)
	e := llm.BadRequest("model", fmt.Sprintf("The model %s/%s holds no conversations; ask it on %s.", t.Provider, t.Model, strings.Join(paths, " or ")))
	e.Provider, e.Model = t.Provider, t.Model
	return nil, e
}
