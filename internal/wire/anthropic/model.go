package anthropic

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// fallbackMaxTokens is sent when neither the client, the deployment nor the
// catalog knows a limit: Anthropic demands one, and 4096 is below every model's.
const fallbackMaxTokens = 4096

// ability answers what a model can do, from the catalog's flags. What the catalog
// does not say is taken to be possible unless Anthropic refuses it on most models.
type ability struct {
	info *catalog.Model
	name string
}

func abilityOf(t *wire.Target) ability { return ability{t.Info, strings.ToLower(t.Model)} }

// known reports whether the catalog has facts about the model at all.
func (a ability) known() bool { return a.info.Key() != "" }

func (a ability) yes(flag string) bool {
	v, _ := a.info.Flag(flag)
	return v
}

func (a ability) no(flag string) bool {
	v, known := a.info.Flag(flag)
	return known && !v
}

// reasons reports whether thinking may be asked for. A model that the catalog does
// not know gets the benefit of the doubt, unless its name is of a generation that
// never thought.
func (a ability) reasons() bool {
	if !a.known() {
		return !strings.HasPrefix(a.name, "claude-3-") || strings.HasPrefix(a.name, "claude-3-7-")
	}
	return a.yes("supports_reasoning") || a.adaptive()
}

func (a ability) adaptive() bool { return a.yes("supports_adaptive_thinking") }

// manual reports whether the model takes thinking of type "enabled".
func (a ability) manual() bool { return !a.adaptive() || a.yes("supports_legacy_thinking") }

func (a ability) alwaysThinks() bool { return a.yes("thinking_always_on") }

func (a ability) sampling() bool { return !a.no("supports_sampling_params") }

func (a ability) prefill() bool { return !a.no("supports_assistant_prefill") }

func (a ability) forcedTools() bool { return !a.no("supports_forced_tool_use") }

func (a ability) systemInPlace() bool { return a.yes("supports_mid_conversation_system") }

func (a ability) nativeSchema() bool { return a.yes("supports_native_structured_output") }

// oneSamplingParam reports whether the model refuses temperature and top_p
// together, as Claude 4 and later do.
func (a ability) oneSamplingParam() bool {
	rest, ok := strings.CutPrefix(a.name, "claude-")
	if !ok {
		return false
	}
	for field := range strings.SplitSeq(rest, "-") {
		if len(field) == 1 && field[0] >= '0' && field[0] <= '9' {
			return field[0] >= '4'
		}
		if field[0:min(1, len(field))] == "3" {
			return false
		}
	}
	return false
}

// effort lowers a reasoning effort to what the model takes: minimal is low
// everywhere, xhigh and max exist on some models only.
func (a ability) effort(level string) string {
	switch level {
	case "minimal":
		return "low"
	case "max":
		if !a.yes("supports_max_reasoning_effort") {
			return a.effort("xhigh")
		}
	case "xhigh":
		if !a.yes("supports_xhigh_reasoning_effort") {
			return "high"
		}
	}
	return level
}

// maxTokens is the limit to send when the client sets none.
func (a ability) maxTokens(t *wire.Target) int64 {
	if t.DefaultMaxTokens > 0 {
		return t.DefaultMaxTokens
	}
	if n := a.info.MaxOutput(); n > 0 {
		return n
	}
	return fallbackMaxTokens
}
