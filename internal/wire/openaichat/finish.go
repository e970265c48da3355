package openaichat

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// noResource is DeepSeek's way of saying that it gave up for lack of capacity.
const noResource = "insufficient_system_resource"

// finishWord is the text of a finish reason; the usual one costs no allocation.
func finishWord(v rawjson.Value) string {
	if v.Is("stop") {
		return "stop"
	}
	return v.Text()
}

// legalFinish maps what providers say onto the five legal reasons; calls says
// that the choice made tool calls. Source: §1.3, §1.4 S4, §6.
func legalFinish(reason string, calls bool) llm.Finish {
	f := llm.FinishStop
	switch reason {
	case "length", "max_tokens", "MAX_TOKENS", "model_length", noResource:
		return llm.FinishLength
	case "tool_calls", "tool_use", "TOOL_CALL":
		return llm.FinishToolCalls
	case "function_call":
		return llm.FinishFunctionCall
	case "content_filter", "sensitive", "content_filtered", "safety", "SAFETY", "refusal", "ERROR_TOXIC":
		return llm.FinishContentFilter
	}
	if calls {
		f = llm.FinishToolCalls
	}
	return f
}
