//go:build unix

package faults

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/tidwall/gjson"
)

// said is what every healthy upstream answers: characters of one to four bytes, and
// such as JSON escapes.
const said = "one \"two\" grüße — 三 😀 line\nbreak \\ end"

// question is a request as every dialect can ask it.
type question struct {
	model  string
	stream bool
	seed   int
	tools  bool
	text   string // more of the user's text
}

func (q question) user() string {
	return gjson.Parse(fmt.Sprintf("%q", fmt.Sprintf("seed=%d; %s", q.seed, q.text))).Raw
}

// dialect drives one client format: how it asks, and what in an answer is its text, its
// good end and its error.
type dialect struct {
	name string
	path func(q question) string
	body func(q question) string
	// whole reads an answer, event one of a stream, failed an error body.
	whole  func(o *outcome, doc gjson.Result)
	event  func(o *outcome, name string, doc gjson.Result)
	failed func(o *outcome, doc gjson.Result)
}

// outcome is what a client observes.
type outcome struct {
	status int
	header http.Header
	body   string
	// text is what the model said, calls what it called.
	text, calls string
	// finished is the dialect's good end, done the end of its stream.
	finished, done bool
	// failure is the message of an error in the dialect's shape.
	failure string
	// used are the output tokens that the answer counts.
	used int64
	// broken says how the answer is none of the dialect's.
	broken string
	// lost says that the connection broke off.
	lost bool
}

// right reports whether the client got the whole right answer.
func (o *outcome) right() bool {
	return o.broken == "" && o.status == http.StatusOK && o.failure == "" && o.finished && o.text == said
}

// refused reports whether the client got an error in its dialect's shape, and nothing
// that looks like a good end. What came before it must be a part of the answer.
func (o *outcome) refused() bool {
	return o.broken == "" && len(o.failure) >= 10 && (!o.finished || o.text == said) && strings.HasPrefix(said, o.text)
}

// String shows an outcome in a failed test.
func (o outcome) String() string {
	return fmt.Sprintf("status %d broken %q finished %v failure %q text %q body %.700q", o.status, o.broken, o.finished, o.failure, o.text, o.body)
}

func (o *outcome) breaks(format string, args ...any) {
	if o.broken == "" {
		o.broken = fmt.Sprintf(format, args...)
	}
}

// read judges an answer.
func (d dialect) read(q question, status int, h http.Header, body string) outcome {
	o := outcome{status: status, header: h, body: body}
	kind := h.Get("Content-Type")
	switch {
	case strings.Contains(body, "canary"):
		o.breaks("the answer shows a secret")
	case status != http.StatusOK:
		d.readError(&o, kind)
	case q.stream:
		d.readStream(&o, kind)
	default:
		if !gjson.Valid(body) || !strings.HasPrefix(kind, "application/json") {
			o.breaks("no JSON answer, type %q", kind)
		}
		d.whole(&o, gjson.Parse(body))
	}
	if status == http.StatusOK && o.finished == (o.failure != "") && !(o.finished && o.text == said) {
		o.breaks("an answer must finish or fail: finished %v, failure %q", o.finished, o.failure)
	}
	return o
}

func (d dialect) readError(o *outcome, kind string) {
	if o.status < 400 || o.status > 599 || !gjson.Valid(o.body) || !strings.HasPrefix(kind, "application/json") {
		o.breaks("status %d with the type %q is no error", o.status, kind)
		return
	}
	d.failed(o, gjson.Parse(o.body))
	if o.failure == "" {
		o.breaks("an error without a message")
	}
}

func (d dialect) readStream(o *outcome, kind string) {
	if !strings.HasPrefix(kind, "text/event-stream") {
		o.breaks("a stream of the type %q", kind)
	}
	if o.body != "" && !strings.HasSuffix(o.body, "\n\n") {
		o.breaks("the stream ends within an event")
	}
	for block := range strings.SplitSeq(o.body, "\n\n") {
		name, data := "", ""
		for line := range strings.SplitSeq(block, "\n") {
			if v, ok := strings.CutPrefix(line, "event: "); ok {
				name = v
			}
			if v, ok := strings.CutPrefix(line, "data: "); ok {
				data += v
			}
		}
		if data == "" {
			continue
		}
		if o.done {
			o.breaks("an event after the end: %s", data)
		}
		if data != "[DONE]" && !gjson.Valid(data) {
			o.breaks("an event that is no JSON: %q", data)
		}
		d.event(o, name, gjson.Parse(data))
	}
	if !o.done {
		o.breaks("the stream has no end")
	}
}

var dialects = []dialect{chatDialect, messagesDialect, responsesDialect, geminiDialect}

var chatDialect = dialect{
	name: "chat",
	path: func(question) string { return "/v1/chat/completions" },
	body: func(q question) string {
		more := ""
		if q.tools {
			more = `,"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`
		}
		return fmt.Sprintf(`{"model":%q,"stream":%v,"messages":[{"role":"user","content":%s}]%s}`, q.model, q.stream, q.user(), more)
	},
	whole: func(o *outcome, doc gjson.Result) {
		o.text, o.calls = doc.Get("choices.0.message.content").String(), doc.Get("choices.0.message.tool_calls").Raw
		o.used, o.finished = doc.Get("usage.completion_tokens").Int(), doc.Get("choices.0.finish_reason").String() != ""
	},
	event: func(o *outcome, name string, doc gjson.Result) {
		switch {
		case name != "":
			o.breaks("chat streams have no event names: %q", name)
		case doc.Raw == "[DONE]" || doc.Raw == "":
			o.done = true
			if o.failure == "" && !o.finished {
				o.breaks("[DONE] without a finish or an error")
			}
		case doc.Get("error").Exists():
			chatFailed(o, doc)
		default:
			o.text += doc.Get("choices.0.delta.content").String()
			o.calls += doc.Get("choices.0.delta.tool_calls").Raw
			o.finished = o.finished || doc.Get("choices.0.finish_reason").String() != ""
		}
	},
	failed: chatFailed,
}

func chatFailed(o *outcome, doc gjson.Result) {
	e := doc.Get("error")
	o.failure = e.Get("message").String()
	if !e.IsObject() || !e.Get("type").Exists() || !e.Get("param").Exists() || e.Get("code").Type != gjson.String {
		o.breaks("no error of Chat Completions: %s", doc.Raw)
	}
}

var messagesDialect = dialect{
	name: "messages",
	path: func(question) string { return "/v1/messages" },
	body: func(q question) string {
		more := ""
		if q.tools {
			more = `,"tools":[{"name":"weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}]`
		}
		return fmt.Sprintf(`{"model":%q,"stream":%v,"max_tokens":100,"messages":[{"role":"user","content":%s}]%s}`, q.model, q.stream, q.user(), more)
	},
	whole: func(o *outcome, doc gjson.Result) {
		for _, b := range doc.Get("content").Array() {
			o.text += b.Get("text").String()
			if b.Get("type").String() == "tool_use" {
				o.calls += b.Raw
			}
		}
		o.used, o.finished = doc.Get("usage.output_tokens").Int(), doc.Get("stop_reason").String() != ""
	},
	event: func(o *outcome, name string, doc gjson.Result) {
		kind := doc.Get("type").String()
		if kind != name {
			o.breaks("the event %q holds a %q", name, kind)
		}
		switch kind {
		case "content_block_start":
			if doc.Get("content_block.type").String() == "tool_use" {
				o.calls += doc.Raw
			}
			o.text += doc.Get("content_block.text").String()
		case "content_block_delta":
			o.text += doc.Get("delta.text").String()
		case "message_delta":
			o.used = doc.Get("usage.output_tokens").Int()
		case "message_stop":
			o.finished, o.done = true, true
		case "error":
			messagesFailed(o, doc)
			o.done = true
		}
	},
	failed: messagesFailed,
}

func messagesFailed(o *outcome, doc gjson.Result) {
	o.failure = doc.Get("error.message").String()
	if doc.Get("type").String() != "error" || doc.Get("error.type").String() == "" {
		o.breaks("no error of Messages: %s", doc.Raw)
	}
}

var responsesDialect = dialect{
	name: "responses",
	path: func(question) string { return "/v1/responses" },
	body: func(q question) string {
		more := ""
		if q.tools {
			more = `,"tools":[{"type":"function","name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}]`
		}
		return fmt.Sprintf(`{"model":%q,"stream":%v,"store":false,"input":%s%s}`, q.model, q.stream, q.user(), more)
	},
	whole: responsesWhole,
	event: func(o *outcome, name string, doc gjson.Result) {
		kind := doc.Get("type").String()
		if kind != name {
			o.breaks("the event %q holds a %q", name, kind)
		}
		switch kind {
		case "response.output_text.delta":
			o.text += doc.Get("delta").String()
		case "response.output_item.added":
			if doc.Get("item.type").String() == "function_call" {
				o.calls += doc.Raw
			}
		case "response.completed", "response.incomplete":
			o.finished, o.done = true, true
			o.used = doc.Get("response.usage.output_tokens").Int()
		case "response.failed":
			o.failure, o.done = doc.Get("response.error.message").String(), true
			if doc.Get("response.status").String() != "failed" || doc.Get("response.error.code").String() == "" {
				o.breaks("no failed response: %s", doc.Raw)
			}
		case "error":
			o.failure, o.done = doc.Get("message").String(), true
		}
	},
	failed: chatFailed,
}

func responsesWhole(o *outcome, doc gjson.Result) {
	for _, it := range doc.Get("output").Array() {
		o.text += it.Get("content.0.text").String()
		if it.Get("type").String() == "function_call" {
			o.calls += it.Raw
		}
	}
	switch doc.Get("status").String() {
	case "completed", "incomplete":
		o.finished = true
	case "failed":
		o.failure = doc.Get("error.message").String()
	default:
		o.breaks("a response without a status: %s", doc.Raw)
	}
	o.used = doc.Get("usage.output_tokens").Int()
}

var geminiDialect = dialect{
	name: "gemini",
	path: func(q question) string {
		if q.stream {
			return "/v1beta/models/" + q.model + ":streamGenerateContent?alt=sse"
		}
		return "/v1beta/models/" + q.model + ":generateContent"
	},
	body: func(q question) string {
		more := ""
		if q.tools {
			more = `,"tools":[{"functionDeclarations":[{"name":"weather","parameters":{"type":"OBJECT","properties":{"city":{"type":"STRING"}}}}]}]`
		}
		return fmt.Sprintf(`{"contents":[{"role":"user","parts":[{"text":%s}]}]%s}`, q.user(), more)
	},
	whole: geminiChunk,
	event: func(o *outcome, name string, doc gjson.Result) {
		if name != "" {
			o.breaks("gemini streams have no event names: %q", name)
		}
		if doc.Get("error").Exists() {
			geminiFailed(o, doc)
			return
		}
		geminiChunk(o, doc)
		o.done = o.done || o.finished // a stream of Gemini has no other end
	},
	failed: geminiFailed,
}

func geminiChunk(o *outcome, doc gjson.Result) {
	for _, p := range doc.Get("candidates.0.content.parts").Array() {
		o.text += p.Get("text").String()
		o.calls += p.Get("functionCall").Raw
	}
	if n := doc.Get("usageMetadata.candidatesTokenCount"); n.Exists() {
		o.used = n.Int()
	}
	o.finished = o.finished || doc.Get("candidates.0.finishReason").Exists()
}

func geminiFailed(o *outcome, doc gjson.Result) {
	e := doc.Get("error")
	o.failure, o.done = e.Get("message").String(), true
	if e.Get("code").Type != gjson.Number || e.Get("status").String() == "" {
		o.breaks("no error of Google: %s", doc.Raw)
	}
}
