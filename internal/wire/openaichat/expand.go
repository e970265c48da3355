package openaichat

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Expand fills in messages, tools and tool choice. It is lenient where clients
// are (content null, missing or empty, tool_calls null, arguments as an object)
// and answers 400 with the path of what cannot be read.
func (Dialect) Expand(req *llm.Request) error {
	if req.Expanded {
		return nil
	}
	if err := checkParams(req.Params); err != nil {
		return err
	}
	var messages, tools rawjson.Value
	for _, m := range envelopeOf(req).Members {
		switch m.Name {
		case "messages":
			messages = m.Value(req.Body)
		case "tools":
			tools = m.Value(req.Body)
		}
	}
	if err := expandMessages(req, messages); err != nil {
		return err
	}
	if err := expandTools(req, tools); err != nil {
		return err
	}
	if err := expandChoice(req); err != nil {
		return err
	}
	if b, ok := req.Param("parallel_tool_calls").Bool(); ok {
		req.ParallelToolCalls = &b
	}
	req.Expanded = true
	return nil
}

// paramKinds says which JSON kinds a parameter may have; null is always allowed.
var paramKinds = map[string]string{
	"temperature": "0", "top_p": "0", "top_k": "0", "n": "0", "seed": "0", "max_tokens": "0",
	"max_completion_tokens": "0", "presence_penalty": "0", "frequency_penalty": "0", "top_logprobs": "0",
	"logprobs": "tf", "store": "tf", "parallel_tool_calls": "tf", "user": `"`, "stop": `"[`,
	"reasoning_effort": `"{`, "thinking": "{", "response_format": "{", "verbosity": `"`, "logit_bias": "{",
	"modalities": "[", "functions": "[", "function_call": `"{`, "tool_choice": `"{`, "service_tier": `"`,
}

var kindWords = map[byte]string{
	'0': "a number", 't': "true or false", '"': "a string", '[': "a list", '{': "an object",
}

func checkParams(params []llm.Param) error {
	for _, p := range params {
		kinds, known := paramKinds[p.Name]
		if !known || !p.Value.Present() {
			continue
		}
		if !hasKind(kinds, p.Value.Kind()) {
			return badType(p.Name, kindWords[kinds[0]])
		}
	}
	return nil
}

func hasKind(kinds string, kind byte) bool {
	for i := range len(kinds) {
		if kinds[i] == kind {
			return true
		}
	}
	return false
}

func expandMessages(req *llm.Request, list rawjson.Value) error {
	if list.Kind() != '[' {
		return llm.BadRequest("messages", "'messages' must be a list of messages.")
	}
	req.Messages = make([]llm.Message, 0, 16)
	root := path{name: "messages"}
	c := rawjson.Cursor{B: list}
	i := 0
	for ok := c.Open('['); ok; ok = c.Next() {
		at := root.item(i)
		if c.Peek() != '{' {
			return at.badType("an object")
		}
		m, err := expandMessage(at, readFieldsAt(&c))
		if err != nil {
			return err
		}
		req.Messages = append(req.Messages, m)
		i++
	}
	return nil
}

// fields are the members of a message that mean something to the gateway.
type fields struct {
	role, content, name, toolCallID, toolCalls, functionCall, refusal, audio   rawjson.Value
	thinkingBlocks, reasoningContent, reasoning, reasoningDetails, images      rawjson.Value
	providerFields, extraContent, cacheControl, prefix, isError, reasoningText rawjson.Value
}

func readFields(v rawjson.Value) fields { return readFieldsAt(&rawjson.Cursor{B: v}) }

// readFieldsAt reads the object at the cursor and steps over it.
func readFieldsAt(c *rawjson.Cursor) (f fields) {
	for ok := c.Open('{'); ok; ok = c.Next() {
		key := c.Key()
		name := key.Bare()
		if key.Escaped() {
			name = []byte(key.Text())
		}
		if v := c.Skip(); v.Present() {
			if slot := f.slot(name); slot != nil {
				*slot = v
			}
		}
	}
	return f
}

func (f *fields) slot(key []byte) *rawjson.Value {
	switch string(key) {
	case "role":
		return &f.role
	case "content":
		return &f.content
	case "name":
		return &f.name
	case "tool_call_id":
		return &f.toolCallID
	case "tool_calls":
		return &f.toolCalls
	case "function_call":
		return &f.functionCall
	case "refusal":
		return &f.refusal
	case "audio":
		return &f.audio
	case "images":
		return &f.images
	case "cache_control":
		return &f.cacheControl
	case "prefix":
		return &f.prefix
	case "is_error":
		return &f.isError
	}
	return f.stateSlot(key)
}

func (f *fields) stateSlot(key []byte) *rawjson.Value {
	switch string(key) {
	case "thinking_blocks":
		return &f.thinkingBlocks
	case "reasoning_content":
		return &f.reasoningContent
	case "reasoning":
		return &f.reasoning
	case "reasoning_text":
		return &f.reasoningText
	case "reasoning_details":
		return &f.reasoningDetails
	case "provider_specific_fields":
		return &f.providerFields
	case "extra_content":
		return &f.extraContent
	}
	return nil
}

var roles = map[string]llm.Role{
	"system": llm.System, "developer": llm.Developer, "user": llm.User, "assistant": llm.Assistant,
	"tool": llm.Tool, "function": llm.Tool,
}

func expandMessage(at path, f fields) (llm.Message, error) {
	role, ok := roles[string(f.role.Bare())]
	if !ok {
		place := at.key("role")
		return llm.Message{}, place.refuse("is " + shown(f.role) + "; it must be one of system, developer, user, assistant, tool, function.")
	}
	m := llm.Message{Role: role, Name: f.name.Text(), CacheControl: f.cacheControl, Prefix: f.prefix.True()}
	var err error
	switch role {
	case llm.Tool:
		m.Parts, err = resultParts(&at, f)
	case llm.Assistant:
		m.Parts, err = assistantParts(&at, f)
	default:
		m.Parts, err = contentParts(at.key("content"), f.content)
	}
	return m, err
}

func resultParts(at *path, f fields) ([]llm.Part, error) {
	parts, err := contentParts(at.key("content"), f.content)
	if err != nil {
		return nil, err
	}
	id := plainID(f.toolCallID.Text())
	res := &llm.ToolResult{CallID: id, Name: f.name.Text(), Parts: parts, IsError: f.isError.True()}
	return []llm.Part{{Kind: llm.PartToolResult, Result: res, CacheControl: f.cacheControl}}, nil
}

// assistantParts orders the parts of an assistant message: thinking, text,
// refusal, images, tool calls.
func assistantParts(at *path, f fields) ([]llm.Part, error) {
	content, err := contentParts(at.key("content"), f.content)
	if err != nil {
		return nil, err
	}
	calls, err := callParts(at, f)
	if err != nil {
		return nil, err
	}
	images, err := imageParts(at, f.images)
	if err != nil {
		return nil, err
	}
	parts := thinkingParts(f, content)
	for _, p := range content {
		if p.Kind != llm.PartThinking {
			parts = append(parts, p)
		}
	}
	signText(parts, calls, f)
	if s := f.refusal.Text(); s != "" {
		parts = append(parts, llm.Part{Kind: llm.PartRefusal, Text: s})
	}
	if f.audio.Kind() == '{' {
		parts = append(parts, llm.Part{Kind: llm.PartAudio, Media: &llm.Media{FileID: f.audio.Get("id").Text(), Raw: f.audio}})
	}
	parts = append(parts, images...)
	return append(parts, calls...), nil
}

func imageParts(at *path, images rawjson.Value) ([]llm.Part, error) {
	var out []llm.Part
	list := at.key("images")
	for i, v := range images.Elems() {
		p, err := contentPart(list.item(i), v)
		if err != nil {
			return nil, err
		}
		if p.Kind == llm.PartImage {
			out = append(out, p)
		}
	}
	return out, nil
}
