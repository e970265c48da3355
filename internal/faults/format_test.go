//go:build unix

package faults

import (
	"encoding/json"
	"fmt"
	"strings"
)

// format is a wire: what an upstream of its kind answers.
type format struct {
	name string
	// model and info are of the deployment.
	model, info string
	base        string // of api_base after the address
	whole       func(text string) string
	// events are those of a stream; the text is in pieces from event first on, each of
	// its own.
	events func(text string) []string
	first  int
	// failure is an error body, errorEvent an error within a stream.
	failure    func(status int, message string) string
	errorEvent string
	// call is an answer that calls weather with these arguments (raw text).
	call func(arguments string, stream bool) string
}

var formats = []format{chatFormat, messagesFormat, geminiFormat, responsesFormat}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// pieces cuts text into runs of four characters.
func pieces(text string) []string {
	var out []string
	for r := []rune(text); len(r) > 0; r = r[min(4, len(r)):] {
		out = append(out, string(r[:min(4, len(r))]))
	}
	return out
}

func data(s string) string { return "data: " + s + "\n\n" }

// named is an event of the formats that name them.
func named(doc string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(doc, `{"type":"`), `"`)
	return "event: " + name + "\n" + data(doc)
}

var chatFormat = format{
	name: "chat", model: "hosted_vllm/faux", base: "/v1", first: 1,
	whole: func(text string) string {
		return `{"id":"c1","object":"chat.completion","created":1,"model":"faux","choices":[{"index":0,"message":{"role":"assistant","content":` + quote(text) + `},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`
	},
	events: func(text string) []string {
		chunk := func(delta, finish string) string {
			return data(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"faux","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}`)
		}
		out := []string{chunk(`{"role":"assistant","content":""}`, "null")}
		for _, p := range pieces(text) {
			out = append(out, chunk(`{"content":`+quote(p)+`}`, "null"))
		}
		return append(out, chunk("{}", `"stop"`),
			data(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"faux","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}`), data("[DONE]"))
	},
	failure: func(status int, message string) string {
		return fmt.Sprintf(`{"error":{"message":%q,"type":"server_error","param":null,"code":"%d"}}`, message, status)
	},
	errorEvent: data(`{"error":{"message":"the model has crashed","type":"server_error","param":null,"code":"500"}}`),
	call: func(arguments string, stream bool) string {
		call := `{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":` + quote(arguments) + `}}`
		if !stream {
			return `{"id":"c1","object":"chat.completion","created":1,"model":"faux","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[` + call + `]},"finish_reason":"tool_calls"}]}`
		}
		return data(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"faux","choices":[{"index":0,"delta":{"tool_calls":[`+call+`]},"finish_reason":null}]}`) +
			data(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"faux","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`) + data("[DONE]")
	},
}

var messagesFormat = format{
	name: "messages", model: "anthropic/claude-sonnet-4-5", first: 2,
	whole: func(text string) string {
		return `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":` + quote(text) + `}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":7}}`
	},
	events: func(text string) []string {
		out := []string{
			named(`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":1}}}`),
			named(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`),
		}
		for _, p := range pieces(text) {
			out = append(out, named(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`+quote(p)+`}}`))
		}
		return append(out, named(`{"type":"content_block_stop","index":0}`),
			named(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}`), named(`{"type":"message_stop"}`))
	},
	failure: func(_ int, message string) string {
		return fmt.Sprintf(`{"type":"error","error":{"type":"api_error","message":%q}}`, message)
	},
	errorEvent: named(`{"type":"error","error":{"type":"overloaded_error","message":"the model has crashed"}}`),
	call: func(arguments string, stream bool) string {
		if !stream {
			return `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"toolu_1","name":"weather","input":` + arguments + `}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":7}}`
		}
		return named(`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"output_tokens":1}}}`) +
			named(`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}`) +
			named(`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":`+quote(arguments)+`}}`) +
			named(`{"type":"content_block_stop","index":0}`) +
			named(`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":7}}`) + named(`{"type":"message_stop"}`)
	},
}

var geminiFormat = format{
	name: "gemini", model: "gemini/gemini-2.5-flash", base: "/v1beta",
	whole: func(text string) string {
		return `{"candidates":[{"content":{"role":"model","parts":[{"text":` + quote(text) + `}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7,"totalTokenCount":12},"modelVersion":"gemini-2.5-flash","responseId":"r1"}`
	},
	events: func(text string) []string {
		var out []string
		all := pieces(text)
		for i, p := range all {
			finish := ""
			if i == len(all)-1 {
				finish = `"finishReason":"STOP",`
			}
			out = append(out, data(`{"candidates":[{"content":{"role":"model","parts":[{"text":`+quote(p)+`}]},`+finish+`"index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7,"totalTokenCount":12},"modelVersion":"gemini-2.5-flash","responseId":"r1"}`))
		}
		return out
	},
	failure: func(status int, message string) string {
		return fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":"INTERNAL"}}`, status, message)
	},
	errorEvent: data(`{"error":{"code":503,"message":"the model has crashed","status":"UNAVAILABLE"}}`),
	call: func(arguments string, stream bool) string {
		doc := `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather","args":` + arguments + `}}]},"finishReason":"STOP","index":0}],"modelVersion":"m","responseId":"r1"}`
		if stream {
			return data(doc)
		}
		return doc
	},
}

var responsesFormat = format{
	name: "responses", model: "openai/gpt-4o", info: "{mode: responses}", base: "/v1", first: 4,
	whole: func(text string) string { return responseDoc("completed", responseMessage("completed", text)) },
	events: func(text string) []string {
		docs := []string{
			`{"type":"response.created","response":` + responseDoc("in_progress", "") + `}`,
			`{"type":"response.in_progress","response":` + responseDoc("in_progress", "") + `}`,
			`{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m1","status":"in_progress","role":"assistant","content":[]}}`,
			`{"type":"response.content_part.added","item_id":"m1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}`,
		}
		for _, p := range pieces(text) {
			docs = append(docs, `{"type":"response.output_text.delta","item_id":"m1","output_index":0,"content_index":0,"delta":`+quote(p)+`}`)
		}
		docs = append(docs, `{"type":"response.output_text.done","item_id":"m1","output_index":0,"content_index":0,"text":`+quote(text)+`}`,
			`{"type":"response.content_part.done","item_id":"m1","output_index":0,"content_index":0,"part":{"type":"output_text","text":`+quote(text)+`,"annotations":[]}}`,
			`{"type":"response.output_item.done","output_index":0,"item":`+responseMessage("completed", text)+`}`,
			`{"type":"response.completed","response":`+responseDoc("completed", responseMessage("completed", text))+`}`)
		var out []string
		for i, d := range docs {
			out = append(out, named(strings.Replace(d, `",`, fmt.Sprintf(`","sequence_number":%d,`, i), 1)))
		}
		return out
	},
	failure:    chatFormat.failure,
	errorEvent: named(`{"type":"error","sequence_number":9,"code":"server_error","message":"the model has crashed","param":null}`),
	call: func(arguments string, stream bool) string {
		item := `{"type":"function_call","id":"f1","call_id":"call_1","name":"weather","arguments":` + quote(arguments) + `,"status":"completed"}`
		if !stream {
			return responseDoc("completed", item)
		}
		return named(`{"type":"response.created","sequence_number":0,"response":`+responseDoc("in_progress", "")+`}`) +
			named(`{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"type":"function_call","id":"f1","call_id":"call_1","name":"weather","arguments":"","status":"in_progress"}}`) +
			named(`{"type":"response.function_call_arguments.delta","sequence_number":2,"item_id":"f1","output_index":0,"delta":`+quote(arguments)+`}`) +
			named(`{"type":"response.function_call_arguments.done","sequence_number":3,"item_id":"f1","output_index":0,"arguments":`+quote(arguments)+`}`) +
			named(`{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":`+item+`}`) +
			named(`{"type":"response.completed","sequence_number":5,"response":`+responseDoc("completed", item)+`}`)
	},
}

func responseDoc(status, item string) string {
	usage := `null`
	if status == "completed" {
		usage = `{"input_tokens":5,"input_tokens_details":{"cached_tokens":0},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":12}`
	}
	return `{"id":"resp_1","object":"response","created_at":1,"status":"` + status + `","error":null,"incomplete_details":null,"model":"gpt-4o","output":[` + item + `],"parallel_tool_calls":true,"tool_choice":"auto","tools":[],"metadata":{},"usage":` + usage + `}`
}

func responseMessage(status, text string) string {
	return `{"type":"message","id":"m1","status":"` + status + `","role":"assistant","content":[{"type":"output_text","text":` + quote(text) + `,"annotations":[]}]}`
}
