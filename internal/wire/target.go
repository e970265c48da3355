package wire

import (
	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Target is what a wire must know of the deployment that it writes for.
type Target struct {
	// Provider is the name of the provider's row: "gemini", "deepseek".
	Provider string
	// Model is the upstream name of the model without the provider's prefix.
	Model string
	// Info is what the catalog knows of the model; nil is safe and knows nothing.
	Info *catalog.Model
	// Quirks are the provider's deviations from its wire format.
	Quirks *Quirks
	// Base is the base URL, for rules that depend on it (an address that already
	// ends in /v1/messages, DeepSeek's /beta).
	Base string
	// Defaults are the deployment's call defaults; the client's values win.
	Defaults []llm.Param
	// ExtraBody are members merged into the upstream body last.
	ExtraBody []llm.Param
	// Policy decides about unsupported parameters.
	Policy Policy
	// Organization for OpenAI-Organization, "" for none.
	Organization string
	// Betas of the client for Anthropic, already filtered for this target.
	Betas []string
	// DefaultMaxTokens replaces the catalog's output limit for Anthropic when > 0.
	DefaultMaxTokens int64
	// Repair is set when the upstream refused a first try; see Mender.
	Repair Repair
	// Recall finds reasoning that the client did not send back; nil finds nothing.
	Recall Recall
}

// Recall is the reasoning-state keeper as a native hop sees it: the canonical
// request is restored before Encode, but a body that passes through is not
// taken apart, so its wire asks.
type Recall interface {
	// Reasoning returns the reasoning text of the assistant message that made the
	// tool call with this id.
	Reasoning(callID string) (text string, ok bool)
	// State returns what the answer that made the call must get back and its client has
	// lost: the thought signature of the call, "" for none, and the thinking blocks
	// before it, each with its state.
	State(c *llm.ToolCall) (signature string, blocks []llm.Part)
}

// MaxRecalled bounds what one request gets back, in bytes: a client may repeat a call
// as often as it likes, and each time its answer's thoughts belong before it.
const MaxRecalled = 32 << 20

// Policy says what happens to parameters that the target does not support.
type Policy struct {
	// Drop leaves them out and says so; otherwise the request is refused with 400.
	Drop bool
	// Also names parameters to leave out always (additional_drop_params). A name
	// may be a path such as "tools[*].function.strict".
	Also []string
	// Allow names OpenAI parameters to send although the target's table lacks them.
	Allow []string
	// Modify permits changing messages where the upstream would refuse them.
	Modify bool
}
