package golden

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Rules about what goes upstream.

// functionResultsInOrder: function responses may be in the order of calls or of the client; ids do not count;
// arguments "" must be {} where LiteLLM sends {"type":"object"}.
func functionResultsInOrder(e *evaluation, _ RuleArgs) {
	bad := slices.ContainsFunc(e.gotCalls, func(c canonicalCall) bool { return hasSchemaAsArguments(c.body) })
	e.redo(func(body any) any {
		for _, c := range objects(obj(body)["contents"]) {
			orderResults(c)
		}
		return body
	})
	if bad {
		e.failRequest("/…/functionCall/args", object{}, object{"type": "object"})
	}
}

func hasSchemaAsArguments(body any) bool {
	for _, c := range objects(obj(body)["contents"]) {
		for _, p := range partsWith(c, "functionCall") {
			if equal(get(p, "functionCall", "args"), object{"type": "object"}) {
				return true
			}
		}
	}
	return false
}

func orderResults(c object) {
	for _, p := range partsWith(c, "functionCall") {
		f := obj(p["functionCall"])
		delete(f, "id")
		if equal(f["args"], object{"type": "object"}) {
			f["args"] = object{}
		}
	}
	var results, rest []any
	for _, p := range list(c["parts"]) {
		if f, ok := get(p, "functionResponse").(object); ok {
			delete(f, "id")
			results = append(results, p)
			continue
		}
		rest = append(rest, p)
	}
	if results == nil {
		return
	}
	slices.SortStableFunc(results, func(a, b any) int {
		return cmp.Compare(str(get(a, "functionResponse", "name")), str(get(b, "functionResponse", "name")))
	})
	c["parts"] = append(results, rest...)
}

var atParameters = regexp.MustCompile(`/parameters`)

// schemaMeansTheSame: a complex tool schema for Gemini may be written in either way; names, properties and required
// agree, and only keywords that Gemini knows are sent.
func schemaMeansTheSame(e *evaluation, _ RuleArgs) {
	b, ok := e.lastBody()
	if !ok || len(e.vector.Upstream) == 0 {
		return
	}
	e.dropRequest(atParameters)
	want := declarations(tree(e.vector.Upstream[len(e.vector.Upstream)-1].Request.Body))
	got := declarations(b)
	for i := range min(len(want), len(got)) {
		e.judgeDeclaration(want[i], got[i])
	}
}

func declarations(b any) []object {
	var out []object
	for _, t := range objects(obj(camelCase(b))["tools"]) {
		out = append(out, objects(t["functionDeclarations"])...)
	}
	return out
}

func (e *evaluation) judgeDeclaration(want, got object) {
	at := "/tools/" + str(want["name"])
	_, jsonSchema := got["parametersJsonSchema"]
	schema := obj(firstTruthy(got["parameters"], got["parametersJsonSchema"]))
	wanted := obj(want["parameters"])
	names, wantNames := propertyNames(schema), propertyNames(wanted)
	if !slices.Equal(names, wantNames) || !slices.Equal(requiredNames(schema), requiredNames(wanted)) {
		e.failRequest(at, wantNames, names)
	}
	e.judgeKeywords(schema, at, jsonSchema)
}

func propertyNames(s object) []string { return slices.Sorted(maps.Keys(obj(s["properties"]))) }

func requiredNames(s object) []string {
	var out []string
	for _, n := range list(s["required"]) {
		out = append(out, str(n))
	}
	slices.Sort(out)
	return out
}

// schemaKeywords are those of JSON Schema that Gemini knows.
const schemaKeywords = " $id $defs $ref $anchor type format title description nullable default enum items prefixItems" +
	" minItems maxItems minProperties maxProperties minLength maxLength pattern example minimum maximum anyOf oneOf" +
	" properties additionalProperties required propertyOrdering "

func (e *evaluation) judgeKeywords(t any, at string, jsonSchema bool) {
	for k, v := range obj(t) {
		p := at + "/" + k
		if !strings.Contains(schemaKeywords, " "+k+" ") {
			e.failRequest(p, "a keyword Gemini knows", k)
		}
		if !jsonSchema && (k == "$ref" || k == "$defs" || k == "additionalProperties") {
			e.failRequest(p, "not in an OpenAPI parameters schema", k)
		}
		switch k {
		case "properties", "$defs":
			for name, s := range obj(v) {
				e.judgeKeywords(s, p+"/"+name, jsonSchema)
			}
		case "anyOf", "oneOf", "prefixItems":
			for _, s := range list(v) {
				e.judgeKeywords(s, p, jsonSchema)
			}
		case "items", "additionalProperties":
			e.judgeKeywords(v, p, jsonSchema)
		}
	}
}

var topLevel = regexp.MustCompile(`^/upstream/\d+/body/([^/]+)$`)

// unknownDropped: some keys of the client's body may be left out; what stands in extra_body may be merged in.
func unknownDropped(e *evaluation, a RuleArgs) {
	extra := obj(e.vector.clientBody()["extra_body"])
	e.request = without(e.request, func(d Difference) bool {
		m := topLevel.FindStringSubmatch(d.Pointer)
		if m == nil {
			return false
		}
		merged, inExtra := extra[m[1]]
		return slices.Contains(a.Keys, m[1]) && d.missing() || d.extra() && inExtra && equal(prune(merged), d.Got)
	})
}

// turnsMayMerge: neighbours of one role may be merged, a placeholder user turn may come first, an empty text may become
// a placeholder or be left out.
func turnsMayMerge(e *evaluation, _ RuleArgs) {
	if len(e.got) == 0 {
		return
	}
	said := newSpeech(objects(e.vector.clientBody()["messages"]))
	e.redo(func(body any) any {
		b, ok := body.(object)
		if !ok {
			return body
		}
		for key, content := range map[string]string{"messages": "content", "contents": "parts"} {
			if turns := objects(b[key]); len(turns) > 0 {
				b[key] = said.merge(turns, content)
			}
		}
		return b
	})
}

// speech is what the client's conversation says.
type speech struct {
	texts map[string]bool
	empty map[string]bool // roles with a message that says nothing
	lead  bool            // the conversation does not start with a user
}

func newSpeech(messages []object) speech {
	s := speech{texts: map[string]bool{}, empty: map[string]bool{}}
	messages = slices.DeleteFunc(messages, func(m object) bool { return m["role"] == "system" || m["role"] == "developer" })
	s.lead = len(messages) == 0 || messages[0]["role"] != "user"
	for _, m := range messages {
		s.texts[str(m["content"])] = true
		for _, x := range objects(m["content"]) {
			s.texts[str(x["text"])] = true
		}
		if !truthy(m["content"]) && !truthy(m["tool_calls"]) {
			s.empty[turnRole(m)] = true
		}
	}
	delete(s.texts, "")
	return s
}

func turnRole(m object) string {
	if m["role"] == "user" {
		return "user"
	}
	return "assistant"
}

func (s speech) merge(turns []object, content string) []any {
	var out []any
	for i, t := range turns {
		role := t["role"]
		if role == "model" {
			role = "assistant"
		}
		parts := list(t[content])
		alone := i == 0 && len(parts) == 1
		parts = slices.DeleteFunc(slices.Clone(parts), func(p any) bool { return s.filler(p, str(role), alone) })
		if len(parts) == 0 {
			continue
		}
		if n := len(out); n > 0 && equal(get(out[n-1], "role"), role) {
			last := out[n-1].(object)
			last["parts"] = append(list(last["parts"]), parts...)
			continue
		}
		out = append(out, object{"role": role, "parts": parts})
	}
	return out
}

// filler reports whether a part is a placeholder: a bare text that nobody said, where one may stand.
func (s speech) filler(part any, role string, aloneAtStart bool) bool {
	p := obj(part)
	text, ok := p["text"].(string)
	for k := range p {
		ok = ok && (k == "text" || k == "type")
	}
	return ok && !s.texts[text] && (s.empty[role] || s.lead && aloneAtStart && role == "user")
}

// asTheClientSent: between equal formats the client's own value may go upstream unchanged.
func asTheClientSent(e *evaluation, a RuleArgs) {
	if len(e.vector.Upstream) == 0 {
		return
	}
	path := e.vector.Upstream[len(e.vector.Upstream)-1].Request.Path
	own := canonicalBody(formatOf(path), path, e.vector.Request.Body)
	e.request = without(e.request, func(d Difference) bool {
		if d.missing() || !anyMatch(a.Paths, d.Pointer) {
			return false
		}
		v, ok := resolve(own, bodyPointer.ReplaceAllString(d.Pointer, ""))
		return ok && equal(v, d.Got)
	})
}

var bodyPointer = regexp.MustCompile(`^/upstream/\d+/body`)

func anyMatch(patterns []string, s string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return regexp.MustCompile(p).MatchString(s) })
}

// resolve follows a JSON pointer.
func resolve(t any, pointer string) (any, bool) {
	for step := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		step = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		var ok bool
		switch v := t.(type) {
		case object:
			t, ok = v[step]
		case []any:
			i, err := strconv.Atoi(step)
			if ok = err == nil && i >= 0 && i < len(v); ok {
				t = v[i]
			}
		}
		if !ok {
			return nil, false
		}
	}
	return t, true
}

// otherValues: listed values are right too; null stands for left out.
func otherValues(e *evaluation, a RuleArgs) {
	e.request = without(e.request, func(d Difference) bool {
		got := d.Got
		if d.missing() {
			got = nil
		}
		for p, values := range a.Values {
			if anyMatch([]string{p}, d.Pointer) && slices.ContainsFunc(values, func(v any) bool { return equal(v, got) }) {
				return true
			}
		}
		return false
	})
}

var (
	mediaMark  = regexp.MustCompile(`image_url|input_image|"image"|base64|iVBOR|"file"|input_audio|UklGR|JVBER`)
	atMessages = regexp.MustCompile(`/(body/messages|intent/turns)`)
)

const placeholderLength = 200 // bytes that a note about left-out media may have

// mediaDropped: media that the upstream can't read may be left out: the text stays, nothing of the media goes upstream.
func mediaDropped(e *evaluation, _ RuleArgs) {
	b, ok := e.lastBody()
	messages := objects(b["messages"])
	if !ok || len(e.got) != 1 || len(messages) != 1 || messages[0]["role"] != "user" || mediaMark.MatchString(dump(messages)) {
		return
	}
	own, got := lastText(e.vector.clientBody()), messageText(messages[0]["content"])
	if strings.HasPrefix(got, own) && (got == own || len(got) < len(own)+placeholderLength) {
		e.dropRequest(atMessages)
	}
}

// lastText is the text of the last turn's parts.
func lastText(body object) string {
	turns := objects(firstTruthy(body["messages"], body["input"]))
	if len(turns) == 0 {
		return ""
	}
	parts, _ := turns[len(turns)-1]["content"].([]any)
	return messageText(parts)
}

var atResponseFormat = regexp.MustCompile(`/body/(response_format|messages)`)

// schemaInPrompt: DeepSeek has no json_schema; json_object with the schema in the prompt means the same.
func schemaInPrompt(e *evaluation, _ RuleArgs) {
	b, ok := e.lastBody()
	if !ok || get(b, "response_format", "type") != "json_object" {
		return
	}
	if text := dump(b["messages"]); strings.Contains(text, "answer") && strings.Contains(strings.ToLower(text), "json") {
		e.dropRequest(atResponseFormat)
	}
}

// errorFlagKept: is_error of a tool result may arrive as {"error": …} for Gemini or as a prefix for OpenAI.
func errorFlagKept(e *evaluation, _ RuleArgs) {
	if slices.ContainsFunc(e.got, func(c Call) bool { return formatOf(c.Path) == openaiFormat }) {
		return
	}
	e.redo(func(body any) any {
		text := strings.ReplaceAll(dump(body), `"response":{"error":`, `"response":{"content":`)
		return tree([]byte(strings.ReplaceAll(text, "Error: ", "")))
	})
}

var atThinking = regexp.MustCompile(`/body/(thinking|reasoning_effort|max_tokens|output_config)(/|$)`)

// thinkingTranslated: Gemini's thinkingConfig may become the other provider's own setting.
func thinkingTranslated(e *evaluation, _ RuleArgs) {
	b, _ := e.lastBody()
	t := obj(b["thinking"])
	enabled := t["type"] == "enabled"
	effort := b["reasoning_effort"] == "minimal" || b["reasoning_effort"] == "low"
	if !enabled && t["type"] != "adaptive" && !effort {
		return
	}
	if formatOf(e.got[len(e.got)-1].Path) == anthropicFormat {
		budget := num(t["budget_tokens"])
		if thinkingConsistent(b, e.vector) != "" || enabled && (budget < 1024 || budget > 4096) {
			return
		}
	}
	e.dropRequest(atThinking)
}

// tokensCounted: any positive count is right, from the provider or estimated; 404 is right on Anthropic's route.
func tokensCounted(e *evaluation, _ RuleArgs) {
	key, anthropic := "totalTokens", surfaceOf(e.vector.Request.Path) == messagesSurface
	if anthropic {
		key = "input_tokens"
	}
	n, ok := get(e.body, key).(float64)
	recorded := tree(e.vector.Response.Body)
	good := e.answer.Status == 200 && ok && (n > 0 || equal(n, get(recorded, key)))
	if good || anthropic && e.answer.Status == 404 {
		e.request, e.response = nil, nil
	}
}
