package openairesponses

import (
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Error writes OpenAI's error object, which this format shares with Chat
// Completions. Source: §7.1.
func (Dialect) Error(e *llm.Error) (status int, body []byte) {
	status = e.Status
	if status < 400 || status > 599 {
		status = errtext.Status(e.Kind)
	}
	typ, code := e.Type, e.Code
	if typ == "" {
		typ = errtext.Type(e.Kind, status)
	}
	if code == "" {
		code = strconv.Itoa(status)
	}
	dst := append(make([]byte, 0, 128+len(e.Message)), `{"error":{"message":`...)
	dst = rawjson.AppendString(dst, e.Message)
	dst = rawjson.AppendStringMember(dst, "type", typ)
	dst = append(dst, `,"param":`...)
	if e.Param == "" {
		dst = append(dst, "null"...)
	} else {
		dst = rawjson.AppendString(dst, e.Param)
	}
	dst = rawjson.AppendStringMember(dst, "code", code)
	return status, append(dst, "}}"...)
}

// failureCode is the code within a failed response, in the words that clients act
// on: they wait after rate_limit_exceeded and shorten after context_length_exceeded.
func failureCode(e *llm.Error) string {
	switch e.Kind {
	case llm.KindRateLimit, llm.KindCooldown:
		return "rate_limit_exceeded"
	case llm.KindContextWindow:
		return "context_length_exceeded"
	case llm.KindContentPolicy, llm.KindBadRequest, llm.KindUnprocessable, llm.KindUnsupportedParams:
		return "invalid_prompt"
	case llm.KindPayment:
		return "insufficient_quota"
	}
	return "server_error"
}
