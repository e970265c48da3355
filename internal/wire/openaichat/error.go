package openaichat

import (
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Error writes OpenAI's error object. The code is a string, the status unless
// the error has one of its own, as LiteLLM writes it. Source: §7.1.
func (Dialect) Error(e *llm.Error) (status int, body []byte) {
	status = e.Status
	if status < 400 || status > 599 {
		status = errtext.Status(e.Kind)
	}
	return status, appendError(make([]byte, 0, 128+len(e.Message)), e, status)
}

// appendError appends {"error":{…}}.
func appendError(dst []byte, e *llm.Error, status int) []byte {
	typ, code := e.Type, e.Code
	if typ == "" {
		typ = errtext.Type(e.Kind, status)
	}
	if code == "" {
		code = strconv.Itoa(status)
	}
	dst = append(dst, `{"error":{"message":`...)
	dst = rawjson.AppendString(dst, e.Message)
	dst = append(dst, `,"type":`...)
	dst = rawjson.AppendString(dst, typ)
	dst = append(dst, `,"param":`...)
	if e.Param == "" {
		dst = append(dst, "null"...)
	} else {
		dst = rawjson.AppendString(dst, e.Param)
	}
	dst = append(dst, `,"code":`...)
	dst = rawjson.AppendString(dst, code)
	return append(dst, "}}"...)
}
