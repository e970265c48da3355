package golden

import (
	"strconv"
	"strings"
)

// idMap replaces minted ids by their order of appearance: ids may look different, but they must be used the same way.
type idMap map[string]string

func (m idMap) mapped(id any) any {
	s, ok := id.(string)
	if !ok {
		return id
	}
	if m[s] == "" {
		m[s] = "<id" + strconv.Itoa(len(m)) + ">"
	}
	return m[s]
}

// base64Plain makes standard and URL-safe base64, padded or not, equal.
func base64Plain(s string) string {
	return strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
}

func base64Value(t any) any {
	if s, ok := t.(string); ok {
		return base64Plain(s)
	}
	return t
}

// signatureOf cuts the thought signature out of a tool-call id, "" when it has none.
func signatureOf(id any) string {
	_, sig, _ := strings.Cut(str(id), "__thought__")
	return base64Plain(sig)
}

// arguments reads tool arguments as JSON; none at all means {}; text that is not JSON stays text.
func arguments(t any) any {
	if t == nil || t == "" {
		return object{}
	}
	if s, ok := t.(string); ok {
		if v, ok := decodeString(s); ok {
			return v
		}
	}
	return t
}

// resultJSON reads the text of a tool result that is a JSON object or list as such: the recording was made with
// spaces in it, the client's own text may have none.
func resultJSON(content any) any {
	switch c := content.(type) {
	case string:
		if v, ok := decodeString(c); ok && (isObject(v) || isList(v)) {
			return v
		}
	case []any:
		for _, block := range objects(c) {
			if t, ok := block["text"].(string); ok {
				block["text"] = resultJSON(t)
			}
		}
	}
	return content
}

func isObject(v any) bool { _, ok := v.(object); return ok }

func isList(v any) bool { _, ok := v.([]any); return ok }
