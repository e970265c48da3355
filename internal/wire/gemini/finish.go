package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// finishes maps finishReason; what is not listed, known or not, is stop (§2.11).
var finishes = map[string]llm.Finish{
	"MAX_TOKENS": llm.FinishLength, "CONTINUATION": llm.FinishLength,
	"SAFETY": llm.FinishContentFilter, "RECITATION": llm.FinishContentFilter, "LANGUAGE": llm.FinishContentFilter,
	"OTHER": llm.FinishContentFilter, "BLOCKLIST": llm.FinishContentFilter, "PROHIBITED_CONTENT": llm.FinishContentFilter,
	"SPII": llm.FinishContentFilter, "IMAGE_SAFETY": llm.FinishContentFilter, "IMAGE_PROHIBITED_CONTENT": llm.FinishContentFilter,
	"IMAGE_RECITATION": llm.FinishContentFilter, "IMAGE_OTHER": llm.FinishContentFilter, "NO_IMAGE": llm.FinishContentFilter,
	"ESCALATION": llm.FinishContentFilter, "MODEL_ARMOR": llm.FinishContentFilter, "PUP_LIMITED_DISABLED": llm.FinishContentFilter,
}

// finish translates a finish reason; an answer that calls tools ends with
// tool_calls unless something cut it off.
func finish(reason string, calls bool) llm.Finish {
	f, ok := finishes[reason]
	switch {
	case !ok && calls:
		return llm.FinishToolCalls
	case !ok:
		return llm.FinishStop
	}
	return f
}

// finishFields are the provider-specific fields of a choice.
func finishFields(reason string, message rawjson.Value) rawjson.Object {
	if reason == "" {
		return nil
	}
	o := rawjson.Object{{Key: "native_finish_reason", Value: rawjson.String(reason)}}
	if message.Kind() == '"' {
		o = append(o, rawjson.Member{Key: "finish_message", Value: message})
	}
	return o
}

// blocked reads promptFeedback: the reason why there is no answer, or "".
func blocked(feedback rawjson.Value) string { return feedback.Get("blockReason").Text() }
