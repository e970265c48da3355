package golden

import "strings"

// intentOf says what a request means, whatever its wire format.
func intentOf(f format, body any) object {
	b := obj(body)
	in := &intent{out: object{"model": b["model"], "stream": truthy(b["stream"])}, tools: []any{}}
	switch f {
	case openaiFormat:
		in.chat(b)
	case responsesFormat:
		in.responses(b)
	default:
		in.messages(b)
	}
	for _, k := range []string{"temperature", "top_p"} {
		in.out[k] = b[k]
	}
	if c := in.out["choice"]; c == nil || c == "auto" {
		delete(in.out, "choice")
	}
	in.out["turns"], in.out["tools"], in.out["system"] = in.merged(), in.tools, in.system.String()
	return pruneObject(in.out)
}

type intent struct {
	out    object
	turns  []any // [role, text], ["call", [name, arguments]], ["result", text]
	tools  []any // [name, schema]
	system strings.Builder
}

func (in *intent) say(role any, text string) {
	if text != "" {
		in.turns = append(in.turns, []any{role, text})
	}
}

func (in *intent) call(name, args any) {
	in.turns = append(in.turns, []any{"call", []any{name, arguments(args)}})
}

func (in *intent) result(text string) { in.turns = append(in.turns, []any{"result", text}) }

func (in *intent) tool(name, schema any) { in.tools = append(in.tools, []any{name, schema}) }

// merged joins neighbouring texts of one role.
func (in *intent) merged() []any {
	out := []any{}
	for _, t := range in.turns {
		role, text := get(t, 0), get(t, 1)
		if n := len(out); n > 0 && (role == "user" || role == "assistant") && get(out[n-1], 0) == role {
			out[n-1] = []any{role, str(get(out[n-1], 1)) + str(text)}
			continue
		}
		out = append(out, t)
	}
	return out
}

// choose reads tool_choice: a name, or a word with one spelling for both APIs.
func (in *intent) choose(choice any, name ...any) {
	if choice == "required" {
		choice = "any"
	}
	if _, ok := choice.(object); ok {
		choice = get(choice, name...)
	}
	in.out["choice"] = choice
}

func (in *intent) chat(b object) {
	for _, m := range objects(b["messages"]) {
		switch m["role"] {
		case "system", "developer":
			in.system.WriteString(messageText(m["content"]))
		case "tool":
			in.result(messageText(m["content"]))
		default:
			in.say(m["role"], messageText(m["content"]))
			for _, t := range objects(m["tool_calls"]) {
				in.call(get(t, "function", "name"), get(t, "function", "arguments"))
			}
		}
	}
	for _, t := range objects(b["tools"]) {
		in.tool(get(t, "function", "name"), get(t, "function", "parameters"))
	}
	in.out["max"] = firstTruthy(b["max_completion_tokens"], b["max_tokens"])
	in.choose(b["tool_choice"], "function", "name")
	switch s := b["stop"].(type) {
	case string:
		in.out["stop"] = []any{s}
	case []any:
		in.out["stop"] = s
	}
}

func (in *intent) responses(b object) {
	in.system.WriteString(str(b["instructions"]))
	if s, ok := b["input"].(string); ok {
		in.say("user", s)
	}
	for _, it := range objects(b["input"]) {
		switch {
		case it["role"] == "system" || it["role"] == "developer":
			in.system.WriteString(messageText(it["content"]))
		case truthy(it["role"]):
			in.say(it["role"], messageText(it["content"]))
		case it["type"] == "function_call":
			in.call(it["name"], it["arguments"])
		case it["type"] == "function_call_output":
			in.result(messageText(it["output"]))
		}
	}
	for _, t := range objects(b["tools"]) {
		if t["type"] == "function" {
			in.tool(t["name"], t["parameters"])
		}
	}
	in.out["max"] = b["max_output_tokens"]
	in.choose(b["tool_choice"], "name")
}

func (in *intent) messages(b object) {
	in.system.WriteString(messageText(b["system"]))
	for _, m := range objects(b["messages"]) {
		in.say(m["role"], str(m["content"]))
		for _, x := range objects(m["content"]) {
			switch x["type"] {
			case "text":
				in.say(m["role"], str(x["text"]))
			case "tool_use":
				in.call(x["name"], x["input"])
			case "tool_result":
				in.result(messageText(x["content"]))
			}
		}
	}
	for _, t := range objects(b["tools"]) {
		if s, ok := t["input_schema"]; ok {
			in.tool(t["name"], s)
		}
	}
	in.out["max"] = b["max_tokens"]
	in.out["choice"] = firstTruthy(get(b, "tool_choice", "name"), get(b, "tool_choice", "type"))
	if s := list(b["stop_sequences"]); len(s) > 0 {
		in.out["stop"] = s
	}
}
