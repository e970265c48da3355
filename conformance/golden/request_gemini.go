package golden

import (
	"regexp"
	"strings"
)

var snake = regexp.MustCompile(`_([a-z0-9])`)

func camelKey(k string) string {
	return snake.ReplaceAllStringFunc(k, func(m string) string { return strings.ToUpper(m[1:]) })
}

// camelCase copies t with Gemini's keys in camelCase, leaving alone what belongs to the user: arguments, responses,
// enum values, labels, examples, and the names of properties.
func camelCase(t any) any {
	switch v := t.(type) {
	case object:
		o := make(object, len(v))
		for k, x := range v {
			o[camelKey(k)] = camelMember(k, x)
		}
		return o
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = camelCase(x)
		}
		return l
	}
	return t
}

func camelMember(key string, x any) any {
	switch key {
	case "args", "response", "enum", "labels", "default", "example":
		return x
	case "properties":
		o, ok := x.(object)
		if !ok {
			return x
		}
		out := make(object, len(o))
		for name, schema := range o {
			out[name] = camelCase(schema)
		}
		return out
	}
	return camelCase(x)
}

// canonicalGemini reduces a generateContent body to what it means.
func canonicalGemini(body any) any {
	b, ok := camelCase(prune(body)).(object)
	if !ok {
		return body
	}
	delete(b, "model")
	ids := idMap{}
	for _, c := range objects(b["contents"]) {
		if r := c["role"]; r == nil || r == "function" {
			c["role"] = "user"
		}
		for _, p := range objects(c["parts"]) {
			canonicalGeminiPart(p, ids)
		}
	}
	if si, ok := b["systemInstruction"].(object); ok {
		delete(si, "role")
	}
	for _, t := range objects(b["tools"]) {
		for _, f := range objects(t["functionDeclarations"]) {
			canonicalDeclaration(f)
		}
	}
	canonicalGenerationConfig(obj(b["generationConfig"]))
	removeIf(b, "toolConfig", object{})
	removeIf(b, "toolConfig", object{"functionCallingConfig": object{"mode": "AUTO"}})
	for _, k := range []string{"generationConfig", "tools", "safetySettings"} {
		removeIf(b, k, object{})
		removeIf(b, k, []any{})
	}
	return b
}

func canonicalGeminiPart(p object, ids idMap) {
	if s, ok := p["thoughtSignature"]; ok {
		p["thoughtSignature"] = base64Value(s)
	}
	removeIf(p, "thought", false)
	for _, k := range []string{"functionCall", "functionResponse"} {
		if f := obj(p[k]); f["id"] != nil {
			f["id"] = ids.mapped(f["id"])
		}
	}
	if f, ok := p["functionCall"].(object); ok && f["args"] == nil {
		f["args"] = object{}
	}
}

func canonicalDeclaration(f object) {
	if s, ok := f["parametersJsonSchema"]; ok && f["parameters"] == nil {
		f["parameters"] = s
		delete(f, "parametersJsonSchema")
	}
	if s, ok := f["parameters"]; ok {
		f["parameters"] = canonicalSchema(s)
	}
	removeIf(f, "parameters", object{})
	removeIf(f, "parameters", object{"type": "object"})
}

func canonicalGenerationConfig(c object) {
	for _, k := range []string{"responseJsonSchema", "responseSchema"} {
		if s, ok := c[k]; ok {
			delete(c, k)
			c["responseSchema"] = canonicalSchema(s)
			break
		}
	}
	removeIf(c, "thinkingConfig", object{})
	removeIf(c, "candidateCount", 1.0)
}
