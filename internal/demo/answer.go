package demo

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
)

// created is fixed: the demo has no clock, and equal questions get equal answers.
const created = 1700000000

// answer is what a demo model says.
type answer struct {
	id        string
	model     string
	reasoning string
	text      string
	tool      string // the name of a tool to call, "" for none
	args      string
	prompt    int64 // words of the question, for the usage
}

// maxBody is more than the gateway itself lets in.
const maxBody = 128 << 20

func readAll(r *http.Request) ([]byte, error) { return io.ReadAll(io.LimitReader(r.Body, maxBody)) }

func answerFor(v rawjson.Value) (*answer, bool) {
	last, role := lastMessage(v.Get("messages"))
	sum := sha256.Sum256(v)
	a := &answer{id: "chatcmpl-demo-" + hex.EncodeToString(sum[:8]), model: v.Get("model").Text(), prompt: words(v)}
	switch a.model {
	case "echo":
		a.text = "You said: " + orDefault(last, "nothing")
	case "tools":
		a.useTool(v, last, role)
	case "reasoning":
		a.reasoning = "The question has " + itoa(int64(len(strings.Fields(last)))) + " words. I should answer it briefly."
		a.text = "I have thought about it: " + orDefault(last, "nothing was asked")
	default:
		return nil, false
	}
	return a, true
}

// useTool calls the first tool that the client offers, and reports its result
// when that comes back.
func (a *answer) useTool(v rawjson.Value, last, role string) {
	tool := v.Get("tools").First().Get("function")
	switch {
	case role == "tool":
		a.text = "The tool answered: " + last
	case tool == nil:
		a.text = "Send me tools, and I will call the first one."
	default:
		a.tool, a.args = tool.Get("name").Text(), string(arguments(tool.Get("parameters"), last))
	}
}

// arguments fills the required parameters: strings with the question, the rest
// with the simplest value of its type.
func arguments(schema rawjson.Value, last string) rawjson.Value {
	out := []byte{'{'}
	for _, name := range schema.Get("required").Elems() {
		p := schema.Get("properties").Get(name.Text())
		out = rawjson.AppendMember(out, name.Text(), example(p, last))
	}
	return append(out, '}')
}

func example(p rawjson.Value, last string) rawjson.Value {
	if e := p.Get("enum").First(); e != nil {
		return e
	}
	switch p.Get("type").Text() {
	case "integer", "number":
		return rawjson.Value("1")
	case "boolean":
		return rawjson.Value("true")
	case "array":
		return rawjson.Value("[]")
	case "object":
		return rawjson.Value("{}")
	}
	return rawjson.String(last)
}

func lastMessage(messages rawjson.Value) (text, role string) {
	for _, m := range messages.Elems() {
		role = m.Get("role").Text()
		content := m.Get("content")
		text = content.Text()
		for _, part := range content.Elems() {
			text += part.Get("text").Text()
		}
	}
	return text, role
}

func words(v rawjson.Value) int64 { return int64(len(strings.Fields(string(v.Get("messages"))))) }

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func itoa(n int64) string { return string(rawjson.Int(n)) }

func (a *answer) finish() string {
	if a.tool != "" {
		return "tool_calls"
	}
	return "stop"
}

func (a *answer) usage() rawjson.Value {
	reasoning := int64(len(strings.Fields(a.reasoning)))
	out := int64(len(strings.Fields(a.text+" "+a.args))) + reasoning
	u := rawjson.AppendIntMember([]byte{'{'}, "prompt_tokens", a.prompt)
	u = rawjson.AppendIntMember(u, "completion_tokens", out)
	u = rawjson.AppendIntMember(u, "total_tokens", a.prompt+out)
	u = append(rawjson.AppendKey(u, "completion_tokens_details"), '{')
	return append(rawjson.AppendIntMember(u, "reasoning_tokens", reasoning), "}}"...)
}

func (a *answer) toolCall(index bool) []byte {
	c := []byte(`[{`)
	if index {
		c = rawjson.AppendIntMember(c, "index", 0)
	}
	c = rawjson.AppendStringMember(c, "id", "call_"+strings.TrimPrefix(a.id, "chatcmpl-demo-"))
	c = append(c, `,"type":"function","function":{`...)
	c = rawjson.AppendStringMember(c, "name", a.tool)
	return append(rawjson.AppendStringMember(c, "arguments", a.args), "}}]"...)
}

func (a *answer) head(object string) []byte {
	h := rawjson.AppendStringMember([]byte{'{'}, "id", a.id)
	h = rawjson.AppendStringMember(h, "object", object)
	h = rawjson.AppendIntMember(h, "created", created)
	return rawjson.AppendStringMember(h, "model", a.model)
}

func (a *answer) whole(w http.ResponseWriter) {
	m := []byte(`{"role":"assistant"`)
	if a.tool == "" {
		m = rawjson.AppendStringMember(m, "content", a.text)
	} else {
		m = append(m, `,"content":null`...)
		m = rawjson.AppendMember(m, "tool_calls", a.toolCall(false))
	}
	if a.reasoning != "" {
		m = rawjson.AppendStringMember(m, "reasoning_content", a.reasoning)
	}
	out := append(a.head("chat.completion"), `,"choices":[{"index":0`...)
	out = rawjson.AppendMember(out, "message", append(m, '}'))
	out = append(rawjson.AppendStringMember(out, "finish_reason", a.finish()), "}]"...)
	out = append(rawjson.AppendMember(out, "usage", a.usage()), '}')
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(out) // the reader is this process
}

// stream sends the answer word by word.
func (a *answer) stream(w http.ResponseWriter, usage bool) {
	w.Header().Set("Content-Type", sse.ContentType)
	s := streamWriter{a: a, w: w}
	s.delta([]byte(`{"role":"assistant","content":""}`), "")
	s.text("reasoning_content", a.reasoning)
	if a.tool != "" {
		s.delta(append(rawjson.AppendMember([]byte{'{'}, "tool_calls", a.toolCall(true)), '}'), "")
	} else {
		s.text("content", a.text)
	}
	s.delta([]byte("{}"), a.finish())
	if usage {
		out := append(a.head("chat.completion.chunk"), `,"choices":[]`...)
		s.send(append(rawjson.AppendMember(out, "usage", a.usage()), '}'))
	}
	s.send([]byte(sse.Done))
}

type streamWriter struct {
	a *answer
	w http.ResponseWriter
}

func (s streamWriter) text(field, text string) {
	for _, word := range strings.SplitAfter(text, " ") {
		if word != "" {
			s.delta(append(rawjson.AppendStringMember([]byte{'{'}, field, word), '}'), "")
		}
	}
}

func (s streamWriter) delta(delta []byte, finish string) {
	out := append(s.a.head("chat.completion.chunk"), `,"choices":[{"index":0`...)
	out = rawjson.AppendMember(out, "delta", delta)
	if finish == "" {
		out = append(out, `,"finish_reason":null}]}`...)
	} else {
		out = append(rawjson.AppendStringMember(out, "finish_reason", finish), "}]}"...)
	}
	s.send(out)
}

func (s streamWriter) send(payload []byte) {
	_, _ = s.w.Write(sse.AppendData(nil, payload)) // the reader is this process
}
