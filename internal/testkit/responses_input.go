package testkit

import (
	"slices"
	"strings"
)

// item is what the Responses API remembers of an output item.
type item struct {
	kept bool
	// needs is the reasoning item without which the item may not come back.
	needs string
}

var (
	responsesItems = map[string]map[string]bool{
		"message":                 words("type role content id status phase"),
		"function_call":           words("type id call_id name arguments status namespace"),
		"function_call_output":    words("type id call_id output status"),
		"custom_tool_call":        words("type id call_id name input status namespace"),
		"custom_tool_call_output": words("type id call_id output status"),
		"reasoning":               words("type id summary content encrypted_content status"),
	}
	responsesOther = words(`additional_tools tool_search_call tool_search_output local_shell_call local_shell_call_output shell_call
		shell_call_output apply_patch_call apply_patch_call_output computer_call computer_call_output web_search_call file_search_call
		code_interpreter_call image_generation_call mcp_list_tools mcp_call mcp_approval_request mcp_approval_response compaction`)
	responsesPrefix = map[string]string{
		"function_call": "fc", "function_call_output": "fc", "reasoning": "rs", "message": "msg",
		"custom_tool_call": "ctc", "custom_tool_call_output": "ctc",
	}
	responsesSides = map[string]map[string]bool{
		"user": words("input_text input_image input_file input_audio"), "system": words("input_text input_image input_file"),
		"developer": words("input_text input_image input_file"), "assistant": words("output_text refusal"),
	}
	responsesParts = map[string]map[string]bool{
		"input_text": words("type text"), "input_image": words("type image_url detail file_id"),
		"input_file": words("type file_data file_id file_url filename detail"), "input_audio": words("type input_audio"),
		"output_text": words("type text annotations logprobs"), "refusal": words("type refusal"),
	}
)

// maxCallID is the longest call_id.
const maxCallID = 64

func responsesInput(c *inspector, in *incoming, t *Turn) {
	input := in.doc["input"]
	if s, ok := input.(string); ok {
		t.User = s
		return
	}
	items := list(input)
	if len(items) == 0 {
		c.refuse(invalid("Missing required parameter: 'input'.", "missing_required_parameter", "input"))
	}
	seen := map[string]bool{}
	for i, v := range items {
		it := obj(v)
		responsesItem(c, in, sprintf("input[%d]", i), it, seen)
		seen[str(it["id"])] = true
	}
	responsesPairs(c, items)
	responsesTurn(t, items)
}

func responsesItem(c *inspector, in *incoming, at string, it object, seen map[string]bool) {
	kind := itemType(it)
	known, ok := responsesItems[kind]
	switch {
	case kind == "item_reference":
		c.refuse(&refusal{status: 404, message: "Item with id '" + str(it["id"]) + "' not found.", kind: "invalid_request_error"})
		return
	case !ok && responsesOther[kind]:
		return
	case !ok:
		c.refuse(invalid("Invalid value: '"+kind+"'.", "invalid_value", at))
		return
	}
	c.only(it, known, unknownParameter(at))
	responsesID(c, in, at, kind, it, seen)
	switch kind {
	case "message":
		responsesMessage(c, at, it)
	case "reasoning":
		responsesThought(c, in, at, it)
	case "function_call":
		if _, ok := it["arguments"].(string); !ok || !openAIToolName.MatchString(str(it["name"])) {
			c.refuse(invalid("Missing required parameter: '"+at+".name' or '.arguments'.", "missing_required_parameter", at))
		}
	case "function_call_output", "custom_tool_call_output":
		responsesOutput(c, at, it["output"])
	}
}

func itemType(it object) string {
	if kind := str(it["type"]); kind != "" || it["role"] == nil {
		return kind
	}
	return "message"
}

func responsesID(c *inspector, in *incoming, at, kind string, it object, seen map[string]bool) {
	id, prefix := str(it["id"]), responsesPrefix[kind]
	if id != "" && !strings.HasPrefix(id, prefix) {
		c.refuse(invalid(sprintf("Invalid '%s.id': '%s'. Expected an ID that begins with '%s'.", at, id, prefix), "invalid_value", at+".id"))
	}
	if len(id) > maxCallID {
		c.refuse(invalid(sprintf("Invalid '%s.id': string too long. Expected a string with maximum length 64, but got a string with length %d instead.", at, len(id)), "string_above_max_length", at+".id"))
	}
	if call := str(it["call_id"]); len(call) > maxCallID {
		c.refuse(invalid(sprintf("Invalid '%s.call_id': string too long. Expected a string with maximum length 64, but got a string with length %d instead.", at, len(call)), "string_above_max_length", at+".call_id"))
	}
	if needs := in.fake.item(id).needs; needs != "" && !seen[needs] {
		c.refuse(invalid(sprintf("Item '%s' of type '%s' was provided without its required 'reasoning' item: '%s'.", id, kind, needs), "", "input"))
	}
}

func responsesMessage(c *inspector, at string, it object) {
	role := str(it["role"])
	sides, ok := responsesSides[role]
	if !ok {
		c.refuse(invalid("Invalid value: '"+role+"'. Supported values are: 'assistant', 'system', 'developer', and 'user'.", "invalid_value", at+".role"))
		return
	}
	if _, ok := it["content"].(string); ok {
		return
	}
	for j, v := range list(it["content"]) {
		part, where := obj(v), sprintf("%s.content[%d]", at, j)
		if !sides[str(part["type"])] {
			c.refuse(invalid("Invalid value: '"+str(part["type"])+"'.", "invalid_value", where))
			continue
		}
		c.only(part, responsesParts[str(part["type"])], unknownParameter(where))
	}
}

func responsesOutput(c *inspector, at string, output any) {
	if _, ok := output.(string); ok {
		return
	}
	if len(list(output)) == 0 {
		c.refuse(invalid("Missing required parameter: '"+at+".output'.", "missing_required_parameter", at+".output"))
	}
	for j, v := range list(output) {
		if !responsesSides["user"][str(obj(v)["type"])] {
			c.refuse(invalid("Invalid value: '"+str(obj(v)["type"])+"'.", "invalid_value", sprintf("%s.output[%d]", at, j)))
		}
	}
}

// responsesThought wants the account's own state back, or an item that it keeps.
func responsesThought(c *inspector, in *incoming, at string, it object) {
	id, sealed := str(it["id"]), str(it["encrypted_content"])
	c.state.Thinking++
	if it["summary"] == nil {
		c.refuse(invalid("Missing required parameter: '"+at+".summary'.", "missing_required_parameter", at+".summary"))
	}
	switch {
	case sealed == "" && !in.fake.item(id).kept:
		c.refuse(&refusal{status: 404, kind: "invalid_request_error", message: "Item with id '" + id + "' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input."})
	case sealed == "" || c.seal.issued(sealed):
		c.state.Real++
	default:
		c.state.Foreign++
		c.refuse(invalid("The encrypted content for item "+id+" could not be verified. Reason: Encrypted content could not be decrypted or parsed.", "invalid_encrypted_content", ""))
	}
}

// responsesPairs demands an output for every call, and a call for every output;
// reasoning must be followed by what it led to.
func responsesPairs(c *inspector, items []any) {
	var calls, outputs []string
	for i, v := range items {
		it := obj(v)
		switch itemType(it) {
		case "function_call", "custom_tool_call":
			calls = append(calls, str(it["call_id"]))
		case "function_call_output", "custom_tool_call_output":
			if outputs = append(outputs, str(it["call_id"])); !slices.Contains(calls, str(it["call_id"])) {
				c.refuse(invalid("No tool call found for function call output with call_id "+str(it["call_id"])+".", "", "input"))
			}
		case "reasoning":
			if i == len(items)-1 || str(obj(items[i+1])["role"]) == "user" {
				c.refuse(invalid("Item '"+str(it["id"])+"' of type 'reasoning' was provided without its required following item.", "", "input"))
			}
		}
	}
	for _, id := range calls {
		if !slices.Contains(outputs, id) {
			c.refuse(invalid("No tool output found for function call "+id+".", "", "input"))
		}
	}
}

// responsesTurn tells the script what was said.
func responsesTurn(t *Turn, items []any) {
	names, before := map[string]string{}, ""
	for _, v := range items {
		it := obj(v)
		kind := itemType(it)
		switch kind {
		case "message":
			text, media := responsesText(it["content"])
			t.Media += media
			switch str(it["role"]) {
			case "system", "developer":
				t.System += text
			case "user":
				t.User, t.Steps, t.Results = text, 0, nil
			}
		case "function_call", "custom_tool_call":
			names[str(it["call_id"])] = str(it["name"])
			if before != "call" {
				t.Steps++
			}
			kind = "call"
		case "function_call_output", "custom_tool_call_output":
			text, _ := responsesText(it["output"])
			t.Results = append(t.Results, Result{Name: names[str(it["call_id"])], Text: text})
		case "additional_tools":
			t.Tools = append(t.Tools, responsesToolList(list(it["tools"]))...)
		}
		before = kind
	}
}

func responsesText(content any) (text string, media int) {
	if s, ok := content.(string); ok {
		return s, 0
	}
	for _, v := range list(content) {
		if s, ok := obj(v)["text"].(string); ok {
			text += s
		} else {
			media++
		}
	}
	return text, media
}

// item finds what the fake remembers of an item.
func (f *Fake) item(id string) item {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.items[id]
}

// give remembers an item that goes out.
func (f *Fake) give(id string, it item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.items[id] = it
}
