package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// DecodeCount reads the body of countTokens: contents, or a whole request under
// generateContentRequest. The request that comes back has the inner one as Body.
func (d Dialect) DecodeCount(body rawjson.Value) (*llm.Request, error) {
	if inner := member(body, "generateContentRequest"); inner != nil {
		if err := isKind("generateContentRequest", inner, "{"); err != nil {
			return nil, err
		}
		body = inner
	}
	return d.Decode(body)
}

// CountAnswer is the answer of countTokens.
func (Dialect) CountAnswer(tokens int64) []byte {
	return append(rawjson.AppendIntMember([]byte{'{'}, "totalTokens", tokens), '}')
}

// EncodeCount writes the request for the provider's own count of what req would
// cost as input. req is expanded unless it came in this format.
func (w Wire) EncodeCount(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	c, err := w.Encode(req, t)
	if err != nil {
		return nil, err
	}
	method := strings.LastIndexByte(c.Path, ':')
	model := c.Path[1:method]
	c.Path = c.Path[:method] + ":" + VerbCount
	inner := rawjson.ParseObject(c.Body)
	if len(inner) == 1 && memberName(rawjson.String(inner[0].Key)) == "contents" {
		return c, nil
	}
	dst := append(make([]byte, 0, len(c.Body)+96), `{"generateContentRequest":{`...)
	dst = rawjson.AppendStringMember(dst, "model", model)
	for _, m := range inner {
		dst = rawjson.AppendMember(dst, m.Key, m.Value)
	}
	c.Body = append(dst, "}}"...)
	return c, nil
}

// ReadCount reads the answer of countTokens; a body that is none is an *llm.Error.
func (Wire) ReadCount(body []byte) (int64, error) {
	v, err := rawjson.Check(body)
	if err != nil {
		e := brokenAnswer("the count of tokens is not JSON")
		e.Cause = err
		return 0, e
	}
	total := v.Get("totalTokens")
	if total == nil {
		return 0, brokenAnswer("the count of tokens has no totalTokens")
	}
	return count(total), nil
}
