package hostile_test

import (
	"net/http"
	"strings"
	"testing"
)

const said = `[{"role":"user","content":"x"}]`

// completion is a request body for a model; more stands behind the messages.
func completion(model, messages, more string) string {
	return `{"model":"` + model + `","messages":` + messages + more + `}`
}

// noJSON are bodies that are no JSON object as every parser reads it.
var noJSON = map[string]string{
	"null":                      `null`,
	"a list":                    `[]`,
	"text":                      `"x"`,
	"a number":                  `1`,
	"cut off":                   `{"model":"gpt","messages":[`,
	"something behind":          completion("gpt", said, "") + `}`,
	"two objects":               completion("gpt", said, "") + completion("claude", said, ""),
	"byte order mark":           "\xef\xbb\xbf" + completion("gpt", said, ""),
	"UTF-16":                    "\xff\xfe{\x00}\x00",
	"key twice":                 `{"model":"gpt","model":"claude","messages":` + said + `}`,
	"key twice, once escaped":   `{"model":"gpt","mod\u0065l":"claude","messages":` + said + `}`,
	"key in another case":       `{"Model":"claude","model":"gpt","messages":` + said + `}`,
	"invalid UTF-8":             completion("gpt", "[{\"role\":\"user\",\"content\":\"\xff\xfe\"}]", ""),
	"invalid UTF-8 in a key":    "{\"\xff\":1,\"model\":\"gpt\",\"messages\":" + said + "}",
	"overlong UTF-8":            completion("gpt", "[{\"role\":\"user\",\"content\":\"\xc0\xaf\"}]", ""),
	"surrogate as UTF-8":        completion("gpt", "[{\"role\":\"user\",\"content\":\"\xed\xa0\x80\"}]", ""),
	"lone high surrogate":       completion("gpt", `[{"role":"user","content":"\ud800"}]`, ""),
	"lone low surrogate":        completion("gpt", `[{"role":"user","content":"\udc00x"}]`, ""),
	"NUL byte":                  completion("gpt", "[{\"role\":\"user\",\"content\":\"a\x00b\"}]", ""),
	"line break in a string":    completion("gpt", "[{\"role\":\"user\",\"content\":\"a\nb\"}]", ""),
	"300 levels":                completion("gpt", said, `,"x":`+strings.Repeat("[", 300)+strings.Repeat("]", 300)),
	"a million open brackets":   completion("gpt", said, `,"x":`+strings.Repeat("[", 1_000_000)),
	"100,000 open objects":      completion("gpt", said, `,"x":`+strings.Repeat(`{"a":`, 100_000)),
	"NaN":                       completion("gpt", said, `,"temperature":NaN`),
	"leading zero":              completion("gpt", said, `,"n":01`),
	"plus sign":                 completion("gpt", said, `,"n":+1`),
	"point without a fraction":  completion("gpt", said, `,"n":1.`),
	"model that is a number":    `{"model":5,"messages":` + said + `}`,
	"model that is an object":   `{"model":{},"messages":` + said + `}`,
	"no model":                  `{"messages":` + said + `}`,
	"model of a megabyte":       completion(strings.Repeat("a", 1_000_000), said, ""),
	"messages that are null":    completion("gpt", "null", ""),
	"messages that are a map":   completion("gpt", "{}", ""),
	"messages that are text":    completion("gpt", `"x"`, ""),
	"stream that is text":       completion("gpt", said, `,"stream":"yes"`),
	"stream that is a number":   completion("gpt", said, `,"stream":1`),
	"timeout below zero":        completion("gpt", said, `,"timeout":-1`),
	"timeout that is text":      completion("gpt", said, `,"timeout":"soon"`),
	"empty":                     ``,
	"form":                      `model=gpt&messages=x`,
	"escape that JSON does not": completion("gpt", `[{"role":"user","content":"\x41"}]`, ""),
}

func TestC08C09C10C11BodiesThatAreNoRequestExplainThemselves(t *testing.T) {
	g := start(t, three(t, ""))
	for name, body := range noJSON {
		a := g.chat(body)
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
		a.explains(t, name)
	}
	g.alive()
}

// wrongParts are bodies that are JSON, but not what a chat is made of. What a
// provider of the same format says of them is its own affair; no format may turn
// them into a failure of the gateway.
var wrongParts = map[string]string{
	"no messages":                `[]`,
	"message that is null":       `[null]`,
	"message that is text":       `["x"]`,
	"message without a role":     `[{"content":"x"}]`,
	"role that is a number":      `[{"role":1,"content":"x"}]`,
	"role that nobody knows":     `[{"role":"wizard","content":"x"}]`,
	"content that is a number":   `[{"role":"user","content":5}]`,
	"content that is an object":  `[{"role":"user","content":{}}]`,
	"content that is a nest":     `[{"role":"user","content":[[["x"]]]}]`,
	"part that nobody knows":     `[{"role":"user","content":[{"type":"hologram"}]}]`,
	"part that is null":          `[{"role":"user","content":[null,5]}]`,
	"image without an address":   `[{"role":"user","content":[{"type":"image_url"}]}]`,
	"image that is no base64":    `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,@@@@"}}]}]`,
	"result without a call":      `[{"role":"user","content":"x"},{"role":"tool","tool_call_id":"nope","content":"r"}]`,
	"result before its call":     `[{"role":"tool","tool_call_id":"a","content":"r"},{"role":"user","content":"x"}]`,
	"call without a function":    `[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function"}]}]`,
	"calls that are an object":   `[{"role":"user","content":"x"},{"role":"assistant","tool_calls":{}}]`,
	"call that is null":          `[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[null]}]`,
	"arguments that are no JSON": `[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"[[["}}]},{"role":"tool","tool_call_id":"a","content":"r"}]`,
	"line break in a call id":    `[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"a\r\nX-Evil: 1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a\r\nX-Evil: 1","content":"r"}]`,
	"thinking blocks of text":    `[{"role":"user","content":"x"},{"role":"assistant","content":"y","thinking_blocks":"z"},{"role":"user","content":"x"}]`,
	"signature that is a number": `[{"role":"user","content":"x"},{"role":"assistant","content":"y","thinking_blocks":[{"type":"thinking","thinking":1,"signature":2}]},{"role":"user","content":"x"}]`,
	"escaped NUL":                `[{"role":"user","content":"a\u0000b"}]`,
}

// wrongParams are parameters of the wrong kind or beyond all measure.
var wrongParams = map[string]string{
	"tools that are text":       `,"tools":"x"`,
	"tool that is a number":     `,"tools":[1]`,
	"tool without a function":   `,"tools":[{"type":"function"}]`,
	"schema that is a list":     `,"tools":[{"type":"function","function":{"name":"f","parameters":[1]}}]`,
	"schema that is itself":     `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"$ref":"#"}}}}}]`,
	"schemas in a circle":       `,"tools":[{"type":"function","function":{"name":"f","parameters":{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"type":"object","properties":{"x":{"$ref":"#/$defs/a"}}}}}]`,
	"schema that explodes":      `,"tools":[{"type":"function","function":{"name":"f","parameters":` + exploding(12) + `}}]`,
	"temperature as text":       `,"temperature":"hot"`,
	"temperature 1e400":         `,"temperature":1e400`,
	"token limit below zero":    `,"max_tokens":-5`,
	"token limit as text":       `,"max_tokens":"many"`,
	"seed of 5,000 digits":      `,"seed":` + strings.Repeat("9", 5000),
	"seed 1e999999999":          `,"seed":1e999999999`,
	"stop that is a map":        `,"stop":{}`,
	"tool choice of a number":   `,"tool_choice":7`,
	"response format of text":   `,"response_format":"json"`,
	"reasoning effort of a map": `,"reasoning_effort":{}`,
	"thinking that is text":     `,"thinking":"a lot"`,
	"timeout without an end":    `,"timeout":1e300`,
	"metadata that forges":      `,"metadata":{"a":"b\nINFO forged"},"user":"x\r\ny"`,
}

// exploding is a schema whose references expand to 10^n properties.
func exploding(n int) string {
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{`)
	for i := range n {
		b.WriteString(`"d` + string(rune('0'+i%10)) + strings.Repeat("x", i/10) + `":{"type":"object","properties":{`)
		next := `{"$ref":"#/$defs/d` + string(rune('0'+(i+1)%10)) + strings.Repeat("x", (i+1)/10) + `"}`
		for j := range 10 {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"p` + string(rune('0'+j)) + `":` + next)
		}
		b.WriteString(`}},`)
	}
	b.WriteString(`"d` + string(rune('0'+n%10)) + strings.Repeat("x", n/10) + `":{"type":"string"}}}`)
	return b.String()
}

func TestC11WrongPartsNeverBecomeAFailureOfTheGateway(t *testing.T) {
	g := start(t, three(t, ""))
	for _, model := range []string{"gpt", "claude", "gem"} {
		for name, messages := range wrongParts {
			g.blameless(t, model, name, completion(model, messages, ""))
		}
		for name, params := range wrongParams {
			g.blameless(t, model, name, completion(model, said, params))
			g.blameless(t, model, name+", streamed", completion(model, said, params+`,"stream":true`))
		}
	}
	g.alive()
}

// blameless sends a body and wants an answer or an explanation, and no 5xx.
func (g *gateway) blameless(t *testing.T, model, name, body string) {
	t.Helper()
	a := g.chat(body)
	if a.status == http.StatusOK {
		return
	}
	if a.status < 400 || a.status >= 500 {
		t.Errorf("%s to %s: %d %.300s", name, model, a.status, a.body)
	}
	a.explains(t, name+" to "+model)
}

func TestC11ManyOfEverythingIsAnsweredOrExplained(t *testing.T) {
	g := start(t, three(t, ""))
	for _, model := range []string{"gpt", "claude", "gem"} {
		for name, body := range map[string]string{
			"10,000 messages":        completion(model, "["+strings.Repeat(`{"role":"user","content":"x"},`, 10_000)+`{"role":"user","content":"x"}]`, ""),
			"10,000 parts":           completion(model, `[{"role":"user","content":[`+strings.Repeat(`{"type":"text","text":"x"},`, 10_000)+`{"type":"text","text":"x"}]}]`, ""),
			"100,000 empty messages": completion(model, "["+strings.Repeat(`{},`, 100_000)+`{}]`, ""),
			"2,000 tools":            completion(model, said, `,"tools":[`+strings.Repeat(`{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}},`, 2_000)+`{"type":"function","function":{"name":"f"}}]`),
		} {
			g.blameless(t, model, name, body)
		}
	}
	g.alive()
}

func TestC07BodiesBeyondTheLimitAreRefusedBeforeTheyAreRead(t *testing.T) {
	g := start(t, three(t, "fairlead_settings: {max_body_mb: 1}\n"))
	big := completion("gpt", `[{"role":"user","content":"`+strings.Repeat("x", 2<<20)+`"}]`, "")
	chunked := strings.Replace(request("POST", "/v1/chat/completions", "", "Transfer-Encoding: chunked"), "\r\n\r\n", "\r\n\r\n200000\r\n"+big[:0x200000]+"\r\n0\r\n\r\n", 1)
	for name, text := range map[string]string{
		"declared and sent": request("POST", "/v1/chat/completions", big),
		"declared only":     request("POST", "/v1/chat/completions", "", "Content-Length: 99999999999"),
		"chunked":           chunked,
	} {
		a := g.raw(text)
		if a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "max_body_mb") {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
		a.explains(t, name)
	}
	g.alive()
}

func TestC13CompressedBodiesAreRefused(t *testing.T) {
	g := start(t, three(t, ""))
	for _, encoding := range []string{"gzip", "deflate", "br", "zstd", "gzip, gzip", "x"} {
		a := g.chat(completion("gpt", said, ""), "Content-Encoding: "+encoding)
		if a.status != http.StatusUnsupportedMediaType {
			t.Errorf("%s: %d %.200s", encoding, a.status, a.body)
		}
		a.explains(t, encoding)
	}
	if a := g.chat(completion("gpt", said, ""), "Content-Encoding: identity", "Content-Type: text/plain"); a.status != http.StatusOK {
		t.Errorf("identity: %d %s", a.status, a.body)
	}
}
