package openairesponses

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Expand fills in messages, tools and tool choice. Items and parts that the format
// may gain tomorrow are left out and reported, never refused. Source: §5.3.2.
func (Dialect) Expand(req *llm.Request) error {
	if req.Expanded {
		return nil
	}
	if err := checkParams(req.Params); err != nil {
		return err
	}
	x := expander{req: req, body: readBody(req.Body), turn: -1}
	if err := x.refuseForeign(); err != nil {
		return err
	}
	if err := x.expandTools(); err != nil {
		return err
	}
	if err := x.instructions(); err != nil {
		return err
	}
	if err := x.items(); err != nil {
		return err
	}
	x.closeTurn()
	x.dropUnheard()
	req.ToolNames = x.names.table()
	req.Expanded = true
	return nil
}

// requestBody is a request taken apart.
type requestBody struct {
	input, instructions, tools, toolChoice, parallel, previous, conversation, prompt rawjson.Value
	unheard                                                                          []string
}

func readBody(v rawjson.Value) requestBody {
	var b requestBody
	for f := range v.Fields() {
		if !f.Value.Present() {
			continue
		}
		switch name := f.Name(); name {
		case "input":
			b.input = f.Value
		case "instructions":
			b.instructions = f.Value
		case "tools":
			b.tools = f.Value
		case "tool_choice":
			b.toolChoice = f.Value
		case "parallel_tool_calls":
			b.parallel = f.Value
		case "previous_response_id":
			b.previous = f.Value
		case "conversation":
			b.conversation = f.Value
		case "prompt":
			b.prompt = f.Value
		default:
			if topKeys[name] == unheard {
				b.unheard = append(b.unheard, name)
			}
		}
	}
	return b
}

// paramKinds says which JSON kinds a parameter may have; null is always allowed.
var paramKinds = map[string]string{
	"temperature": "0", "top_p": "0", "max_tokens": "0", "top_logprobs": "0", "parallel_tool_calls": "tf",
	"user": `"`, "reasoning_effort": `"`, "response_format": "{", "verbosity": `"`, "service_tier": `"`,
}

// clientNames are the names that clients of this format know a parameter by.
var clientNames = map[string]string{
	"max_tokens": "max_output_tokens", "reasoning_effort": "reasoning.effort", "verbosity": "text.verbosity",
}

var kindWords = map[byte]string{'0': "a number", 't': "true or false", '"': "a string", '{': "an object"}

func checkParams(params []llm.Param) error {
	for _, p := range params {
		kinds, known := paramKinds[p.Name]
		if !known || !p.Value.Present() || p.Value.Kind() == kinds[0] || (kinds == "tf" && p.Value.Kind() == 'f') {
			continue
		}
		name := p.Name
		if own, ok := clientNames[name]; ok {
			name = own
		}
		return badType(name, kindWords[kinds[0]])
	}
	return nil
}

// expander reads one request.
type expander struct {
	req   *llm.Request
	body  requestBody
	names toolNames

	turn       int        // index of the assistant message that may still grow, -1 for none
	waiting    []llm.Part // its calls that no thought has followed: what it says goes before them
	signatures []string
	speaker    int // index of the last message before heard that is no output
	heard      int
	calls      map[string]bool // ids of calls so far
	results    map[string]int  // id of a call → index of the message with its result
}

// refuseForeign refuses what only OpenAI's own server could look up.
func (x *expander) refuseForeign() error {
	if id := x.body.previous; id != nil {
		return PreviousNotFound(id.Text())
	}
	if x.body.conversation != nil {
		return llm.BadRequest("conversation", "'conversation' names an object of OpenAI's own server, which this model does not have; send the conversation as input or use previous_response_id.")
	}
	if x.body.prompt != nil {
		return llm.BadRequest("prompt", "'prompt' names a template of OpenAI's own server, which this model does not have; send its text as instructions.")
	}
	return nil
}

// PreviousNotFound is the error for a previous_response_id that nobody knows, in
// OpenAI's words and with its code.
func PreviousNotFound(id string) *llm.Error {
	e := llm.BadRequest("previous_response_id", fmt.Sprintf("Previous response with id '%s' not found.", clipped(id)))
	e.Code = "previous_response_not_found"
	return e
}

func (x *expander) dropUnheard() {
	for _, name := range x.body.unheard {
		x.drop(name, "only OpenAI's own Responses API knows it")
	}
}

// maxDrops bounds what one request reports.
const maxDrops = 32

func (x *expander) drop(what, why string) {
	if len(x.req.Drops) < maxDrops {
		x.req.Drops = append(x.req.Drops, llm.Drop{What: what, Why: why})
	}
}

// instructions become the first system message.
func (x *expander) instructions() error {
	v := x.body.instructions
	if v.Kind() == '[' { // the API's answers show them as items
		return x.list("instructions", v)
	}
	if v != nil && v.Kind() != '"' {
		return badType("instructions", "a string")
	}
	if s := v.Text(); s != "" {
		x.message(llm.System, []llm.Part{{Kind: llm.PartText, Text: s}})
	}
	return nil
}

func (x *expander) items() error {
	if s, ok := x.body.input.Str(); ok {
		x.message(llm.User, []llm.Part{{Kind: llm.PartText, Text: s}})
		return nil
	}
	return x.list("input", x.body.input)
}

func (x *expander) list(name string, v rawjson.Value) error {
	for i, item := range v.Elems() {
		if err := x.item(place(name, i), item); err != nil {
			return err
		}
	}
	return nil
}

func (x *expander) item(at string, v rawjson.Value) error {
	if v.Kind() != '{' {
		return badType(at, "an object")
	}
	it := readItem(v)
	switch it.typ.Text() {
	case "message", "":
		return x.messageItem(at, &it)
	case "reasoning":
		x.reasoning(at, &it)
	case "function_call":
		return x.call(at, &it, function, it.name.Text(), argumentsText(it.arguments))
	case "custom_tool_call":
		return x.call(at, &it, custom, it.name.Text(), string(customArguments(it.input.Text())))
	case "shell_call":
		return x.call(at, &it, shell, shellName, actionText(it.action))
	case "local_shell_call":
		return x.call(at, &it, localShell, localShellName, actionText(it.action))
	case "apply_patch_call":
		return x.call(at, &it, applyPatch, applyPatchName, actionText(it.operation))
	case "function_call_output", "custom_tool_call_output", "shell_call_output", "local_shell_call_output", "apply_patch_call_output":
		return x.result(at, &it)
	case "item_reference":
		return itemNotFound(at, it.id.Text())
	case "additional_tools", "tool_search_output": // their tools were read with the others
	default:
		x.drop(at, "an item of type "+clipped(it.typ.Text())+" means nothing to other models")
	}
	return nil
}

func itemNotFound(at, id string) *llm.Error {
	e := llm.BadRequest(at, fmt.Sprintf("Item with id '%s' not found.", clipped(id)))
	e.Code = "item_not_found"
	return e
}

// item is one item of the input taken apart.
type item struct {
	typ, id, role, content, callID, name, namespace, arguments, input, output, status   rawjson.Value
	summary, encrypted, action, operation, providerFields, extraContent, tools, isError rawjson.Value
}

func readItem(v rawjson.Value) (it item) {
	for f := range v.Fields() {
		if !f.Value.Present() {
			continue
		}
		if slot := it.slot(string(f.Key.Bare())); slot != nil {
			*slot = f.Value
		}
	}
	return it
}

func (it *item) slot(key string) *rawjson.Value {
	switch key {
	case "type":
		return &it.typ
	case "id":
		return &it.id
	case "role":
		return &it.role
	case "content":
		return &it.content
	case "call_id":
		return &it.callID
	case "name":
		return &it.name
	case "namespace":
		return &it.namespace
	case "arguments":
		return &it.arguments
	case "input":
		return &it.input
	case "output":
		return &it.output
	case "status":
		return &it.status
	}
	return it.rareSlot(key)
}

func (it *item) rareSlot(key string) *rawjson.Value {
	switch key {
	case "summary":
		return &it.summary
	case "encrypted_content":
		return &it.encrypted
	case "action":
		return &it.action
	case "operation":
		return &it.operation
	case "provider_specific_fields":
		return &it.providerFields
	case "extra_content":
		return &it.extraContent
	case "tools":
		return &it.tools
	case "is_error":
		return &it.isError
	}
	return nil
}
