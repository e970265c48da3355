package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"
)

// tools are the two functions that the conversations of these tests know.
const tools = `[{"type":"function","function":{"name":"weather","description":"Weather of a city.","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}},
{"type":"function","function":{"name":"clock","description":"The time."}}]`

// chat is a request with tools; messages are raw JSON.
func chat(model string, messages ...string) string {
	return `{"model":` + quote(model) + `,"messages":[` + strings.Join(messages, ",") + `],"tools":` + tools + `}`
}

// plain is a request without tools.
func plain(model, text string) string {
	return `{"model":` + quote(model) + `,"messages":[` + user(text) + `]}`
}

func quote(s string) string {
	b, _ := sjson.Set(`{}`, "s", s)
	return gjson.Get(b, "s").Raw
}

func user(text string) string { return `{"role":"user","content":` + quote(text) + `}` }

// result is the answer to a tool call.
func result(callID, text string) string {
	return `{"role":"tool","tool_call_id":` + quote(callID) + `,"content":` + quote(text) + `}`
}

// call is an assistant message as a client without extra fields keeps it.
func call(id, name, arguments string) string {
	return `{"role":"assistant","content":null,"tool_calls":[` + toolCall(id, name, arguments) + `]}`
}

func toolCall(id, name, arguments string) string {
	return `{"id":` + quote(id) + `,"type":"function","function":{"name":` + quote(name) + `,"arguments":` + quote(arguments) + `}}`
}

// with sets a raw value at a path of a JSON text.
func with(body, path, raw string) string {
	out, err := sjson.SetRaw(body, path, raw)
	if err != nil {
		panic(err)
	}
	return out
}

func without(body, path string) string {
	out, err := sjson.Delete(body, path)
	if err != nil {
		panic(err)
	}
	return out
}

func streamed(body string) string { return with(body, "stream", "true") }

// ok fails the test unless the answer is a 200.
func (r reply) ok() reply {
	r.t.Helper()
	if r.status != http.StatusOK {
		r.t.Fatalf("status %d: %s", r.status, r.body)
	}
	return r
}

func (r reply) get(path string) gjson.Result { return gjson.Get(r.body, path) }

func (r reply) message() string { return r.get("choices.0.message").Raw }

func (r reply) content() string { return r.get("choices.0.message.content").String() }

func (r reply) callID() string { return r.get("choices.0.message.tool_calls.0.id").String() }

// onlyIDs keeps of an assistant message what the official types know: ids, names,
// arguments and the text.
func onlyIDs(message string) string {
	out := `{"role":"assistant","content":null,"tool_calls":[]}`
	if c := gjson.Get(message, "content"); c.Exists() {
		out = with(out, "content", c.Raw)
	}
	for _, tc := range gjson.Get(message, "tool_calls").Array() {
		out = with(out, "tool_calls.-1", toolCall(tc.Get("id").String(), tc.Get("function.name").String(), tc.Get("function.arguments").String()))
	}
	return out
}

// events are the payloads of a stream, [DONE] included; comments are left out.
func (r reply) events() []string {
	var out []string
	for block := range strings.SplitSeq(r.body, "\n\n") {
		if data, ok := strings.CutPrefix(block, "data: "); ok {
			out = append(out, data)
		}
	}
	return out
}

// assembled puts a stream together to the answer that it stands for, as clients
// do, and checks the rules that they depend on (S1–S6).
func (r reply) assembled() reply {
	r.t.Helper()
	r.ok()
	events := r.events()
	if len(events) == 0 || events[len(events)-1] != "[DONE]" {
		r.t.Fatalf("the stream does not end with [DONE]: %q", r.body)
	}
	a := &assembly{t: r.t, out: `{"choices":[]}`}
	for _, data := range events[:len(events)-1] {
		a.add(data)
	}
	return reply{r.t, r.status, r.header, a.out}
}

type assembly struct {
	t        *testing.T
	out      string
	id       string
	finished map[int64]bool
}

func (a *assembly) add(data string) {
	a.t.Helper()
	chunk := gjson.Parse(data)
	if e := chunk.Get("error"); e.Exists() {
		a.out = with(a.out, "error", e.Raw)
		return
	}
	if id := chunk.Get("id").String(); a.id == "" {
		a.id = id
	} else if id != a.id && len(chunk.Get("choices").Array()) > 0 {
		a.t.Errorf("S2: the id changes from %q to %q", a.id, id)
	}
	if u := chunk.Get("usage"); u.IsObject() {
		if a.out = with(a.out, "usage", u.Raw); len(chunk.Get("choices").Array()) > 0 {
			a.t.Errorf("S5: the usage chunk has choices: %s", data)
		}
	}
	for _, c := range chunk.Get("choices").Array() {
		a.choice(c)
	}
}

func (a *assembly) choice(c gjson.Result) {
	a.t.Helper()
	at := "choices." + c.Get("index").String()
	if !gjson.Get(a.out, at).Exists() {
		a.out = with(a.out, at, `{"message":{"role":`+quote(c.Get("delta.role").String())+`}}`)
	}
	if a.finished[c.Get("index").Int()] {
		a.t.Errorf("S4: something follows the finish: %s", c.Raw)
	}
	for _, field := range []string{"content", "reasoning_content"} {
		if v := c.Get("delta." + field); v.Type == gjson.String {
			a.append(at+".message."+field, v.String())
		}
	}
	for _, field := range []string{"provider_specific_fields", "extra_content"} {
		if v := c.Get("delta." + field); v.Exists() {
			a.out = with(a.out, at+".message."+field, v.Raw)
		}
	}
	for _, b := range c.Get("delta.thinking_blocks").Array() {
		a.block(at+".message.thinking_blocks", b)
	}
	for _, tc := range c.Get("delta.tool_calls").Array() {
		a.toolCall(at+".message.tool_calls", tc)
	}
	if f := c.Get("finish_reason"); f.Type == gjson.String {
		a.out = with(a.out, at+".finish_reason", f.Raw)
		if a.finished == nil {
			a.finished = map[int64]bool{}
		}
		a.finished[c.Get("index").Int()] = true
	}
}

func (a *assembly) append(path, text string) {
	a.out = with(a.out, path, quote(gjson.Get(a.out, path).String()+text))
}

// block puts pieces of thinking blocks together: a signature closes a block.
func (a *assembly) block(path string, b gjson.Result) {
	n := gjson.Get(a.out, path+".#").Int()
	last := fmt.Sprintf("%s.%d", path, n-1)
	open := n > 0 && gjson.Get(a.out, last+".signature").String() == "" && !gjson.Get(a.out, last+".data").Exists()
	if !open {
		if !gjson.Get(a.out, path).Exists() {
			a.out = with(a.out, path, `[]`)
		}
		a.out = with(a.out, path+".-1", b.Raw)
		return
	}
	a.append(last+".thinking", b.Get("thinking").String())
	if s := b.Get("signature"); s.String() != "" {
		a.out = with(a.out, last+".signature", s.Raw)
	}
}

func (a *assembly) toolCall(path string, tc gjson.Result) {
	a.t.Helper()
	if !tc.Get("index").Exists() {
		a.t.Errorf("S6: a tool call without index: %s", tc.Raw)
	}
	at := path + "." + tc.Get("index").String()
	if !gjson.Get(a.out, at).Exists() {
		if tc.Get("index").Int() != gjson.Get(a.out, path+".#").Int() || tc.Get("id").String() == "" || tc.Get("function.name").String() == "" {
			a.t.Errorf("S6: a call opens badly: %s", tc.Raw)
		}
		a.out = with(a.out, at, without(tc.Raw, "index"))
		return
	}
	if tc.Get("id").Exists() || tc.Get("function.name").Exists() {
		a.t.Errorf("S6: id or name again: %s", tc.Raw)
	}
	a.append(at+".function.arguments", tc.Get("function.arguments").String())
	for _, field := range []string{"provider_specific_fields", "extra_content"} {
		if v := tc.Get(field); v.Exists() {
			a.out = with(a.out, at+"."+field, v.Raw)
		}
	}
}
