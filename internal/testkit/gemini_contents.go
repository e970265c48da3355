package testkit

import (
	"slices"
	"strings"
)

var (
	geminiContent = words("role parts")
	geminiPart    = words(`text thought thoughtSignature inlineData fileData functionCall functionResponse executableCode
		codeExecutionResult videoMetadata mediaResolution partMetadata toolCall toolResponse`)
	geminiData     = []string{"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult", "toolCall", "toolResponse"}
	geminiCall     = words("id name args partialArgs willContinue")
	geminiResponse = words("id name response willContinue scheduling parts")
)

const (
	tooFewResponses = "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."
	callAfterUser   = "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
	responseAfter   = "Please ensure that function response turn comes immediately after a function call turn."
	endsWithModel   = "Requests ending with a model turn are not supported unless the last part is a function response."
)

// content is one decoded content and what it holds.
type content struct {
	role             string
	parts            []object
	calls, responses []object
	text             string
	media            int
}

// standard reports whether the content opens a turn of the user (rules G5, G6).
func (k content) standard() bool {
	return k.role == "user" && len(k.responses) == 0 && (k.text != "" || k.media > 0 || len(k.parts) > 0)
}

func geminiContents(c *inspector, t *Turn, raw []any) {
	if len(raw) == 0 {
		c.refuse(argument("* GenerateContentRequest.contents: contents is not specified"))
		return
	}
	contents := make([]content, len(raw))
	for i, v := range raw {
		contents[i] = geminiRead(c, i, t.Model, obj(v))
	}
	start := 0
	for i, k := range contents {
		if k.standard() {
			start = i
		}
	}
	for i, k := range contents {
		geminiOrder(c, t.Model, contents, i)
		geminiSignatures(c, t.Model, i, k, i > start)
	}
	geminiEnding(c, t.Model, contents[len(contents)-1])
	geminiTurn(t, contents)
}

func geminiRead(c *inspector, i int, model string, raw object) content {
	at := sprintf("contents[%d]", i)
	c.only(normal(raw), geminiContent, unknownName(at))
	k := content{role: str(raw["role"])}
	if _, ok := raw["role"].(string); !ok && raw["role"] != nil {
		c.refuse(argument("Invalid value at '" + at + ".role' (TYPE_STRING)"))
	}
	if k.role == "" {
		k.role = "user"
	}
	if k.role != "user" && k.role != "model" {
		c.refuse(argument("Please use a valid role: user, model."))
	}
	parts := list(raw["parts"])
	if len(parts) == 0 {
		c.refuse(argument("* GenerateContentRequest." + at + ".parts: contents.parts must not be empty."))
	}
	for j, v := range parts {
		geminiReadPart(c, &k, sprintf("%s.parts[%d]", at, j), model, normal(obj(v)))
	}
	return k
}

func geminiReadPart(c *inspector, k *content, at, model string, p object) {
	c.only(p, geminiPart, unknownName(at))
	n := 0
	for _, name := range geminiData {
		if _, ok := p[name]; ok {
			n++
		}
	}
	if n != 1 {
		c.refuse(argument("* GenerateContentRequest." + at + ".data: required oneof field 'data' must have one initialized field"))
	}
	k.parts = append(k.parts, p)
	switch {
	case p["functionCall"] != nil:
		k.calls = append(k.calls, geminiCallRule(c, at, model, k.role, normal(obj(p["functionCall"]))))
	case p["functionResponse"] != nil:
		k.responses = append(k.responses, geminiResponseRule(c, at, model, k.role, normal(obj(p["functionResponse"]))))
	case p["inlineData"] != nil:
		k.media++
		inline := normal(obj(p["inlineData"]))
		if _, err := decodeBase64(str(inline["data"])); err != nil || str(inline["mimeType"]) == "" {
			c.refuse(argument("Invalid value at '" + at + ".inline_data.data' (TYPE_BYTES), Base64 decoding failed"))
		}
	case p["fileData"] != nil:
		k.media++
	case !yes(p["thought"]):
		k.text += str(p["text"])
	}
}

func geminiCallRule(c *inspector, at, model, role string, call object) object {
	c.only(call, geminiCall, unknownName(at+".function_call"))
	if role != "model" {
		c.refuse(argument(callAfterUser))
	}
	if !geminiName.MatchString(str(call["name"])) {
		c.refuse(argument("* GenerateContentRequest." + at + ".function_call.name: Name cannot be empty."))
	}
	if args, ok := call["args"]; ok && args != nil && obj(args) == nil {
		c.refuse(argument("Invalid value at '" + at + ".function_call.args' (type.googleapis.com/google.protobuf.Struct)"))
	}
	geminiID(c, at+".function_call", model, call)
	return call
}

func geminiResponseRule(c *inspector, at, model, role string, resp object) object {
	c.only(resp, geminiResponse, unknownName(at+".function_response"))
	if role != "user" {
		c.refuse(argument(responseAfter))
	}
	if str(resp["name"]) == "" {
		c.refuse(argument("* GenerateContentRequest." + at + ".function_response.name: Name cannot be empty."))
	}
	if obj(resp["response"]) == nil {
		c.refuse(argument("Invalid value at '" + at + ".function_response.response' (type.googleapis.com/google.protobuf.Struct)"))
	}
	geminiID(c, at+".function_response", model, resp)
	return resp
}

// geminiID refuses ids on models before generation 3, and ids that still carry a
// gateway's signature.
func geminiID(c *inspector, at, model string, o object) {
	id, given := o["id"]
	if given && !third(model) {
		c.refuse(unknownName(at)("id"))
	}
	if strings.Contains(str(id), "__thought__") {
		c.refuse(argument("Invalid value at '" + at + ".id': the id carries a signature."))
	}
}

// geminiOrder applies the rules of neighbourhood between calls and responses.
func geminiOrder(c *inspector, model string, contents []content, i int) {
	k := contents[i]
	var before content
	if i > 0 {
		before = contents[i-1]
	}
	if len(k.calls) > 0 && before.role != "user" {
		c.refuse(argument(callAfterUser))
	}
	if len(before.calls) == 0 && len(k.responses) > 0 {
		c.refuse(argument(responseAfter))
		return
	}
	if len(before.calls) != len(k.responses) {
		c.refuse(argument(tooFewResponses))
		return
	}
	if !sameNames(before.calls, k.responses) {
		c.refuse(argument("Please ensure that the function response names match the function call names of the function call turn."))
	}
	if i == len(contents)-1 && len(k.calls) > 0 {
		c.refuse(argument(tooFewResponses))
	}
	if third(model) {
		geminiTextAfter(c, k)
	}
}

// geminiTextAfter refuses text behind function responses in one content, which
// generation 3 misreads.
func geminiTextAfter(c *inspector, k content) {
	seen := false
	for _, p := range k.parts {
		if p["functionResponse"] != nil {
			seen = true
		} else if seen && p["text"] != nil {
			c.refuse(argument(endsWithModel))
		}
	}
}

func sameNames(calls, responses []object) bool {
	names := func(l []object) []string {
		var out []string
		for _, o := range l {
			out = append(out, str(o["name"]))
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(names(calls), names(responses)) && sameIDs(calls, responses)
}

// sameIDs holds where both sides name ids.
func sameIDs(calls, responses []object) bool {
	ids := map[string]bool{}
	for _, o := range calls {
		if o["id"] == nil {
			return true
		}
		ids[str(o["id"])] = true
	}
	for _, o := range responses {
		if o["id"] != nil && !ids[str(o["id"])] {
			return false
		}
	}
	return true
}

// geminiSignatures applies rules G3–G5 and counts what came.
func geminiSignatures(c *inspector, model string, i int, k content, current bool) {
	first := true
	for j, p := range k.parts {
		sig, given := p["thoughtSignature"]
		if given {
			geminiSignature(c, model, sprintf("contents[%d].parts[%d]", i, j), str(sig), current)
		}
		call := p["functionCall"]
		if call == nil {
			continue
		}
		if first && str(sig) == "" && current && third(model) {
			c.refuse(argument(missingSignature(str(obj(call)["name"]), i+1)))
		}
		first = false
	}
}

// missingSignature is the text of rule G11.
func missingSignature(name string, position int) string {
	return sprintf("Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, "+
		"and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:%s` , position %d. "+
		"Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details.", name, position)
}

func geminiSignature(c *inspector, model, at, sig string, current bool) {
	switch {
	case placeholders[sig]:
		c.state.Placeholders++
	case c.seal.made(sig):
		c.state.Real++
	default:
		c.state.Foreign++
		if _, err := decodeBase64(sig); err != nil {
			c.refuse(argument("Invalid value at '" + at + ".thought_signature' (TYPE_BYTES), Base64 decoding failed for \"" + sig + "\""))
		}
		if current && third(model) {
			c.refuse(argument("Corrupted thought signature."))
		}
	}
}

func geminiEnding(c *inspector, model string, last content) {
	if last.role == "model" && !geminiPrefill.MatchString(model) {
		c.refuse(argument(endsWithModel))
	}
}

// geminiTurn tells the script what was said.
func geminiTurn(t *Turn, contents []content) {
	for _, k := range contents {
		t.Media += k.media
		switch {
		case len(k.responses) > 0:
			for _, r := range k.responses {
				t.Results = append(t.Results, Result{Name: str(r["name"]), Text: responseText(obj(r["response"]))})
			}
		case k.role == "user":
			t.User, t.Steps, t.Results = k.text, 0, nil
		case len(k.calls) > 0:
			t.Steps++
		}
	}
}

func responseText(o object) string {
	for _, key := range []string{"content", "output", "result"} {
		if s, ok := o[key].(string); ok && len(o) == 1 {
			return s
		}
	}
	return encode(o)
}
