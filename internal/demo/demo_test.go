package demo

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
)

func ask(t *testing.T, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("POST", "/v1/chat/completions", strings.NewReader(body)))
	return w
}

func answerOf(t *testing.T, body string) rawjson.Value {
	t.Helper()
	w := ask(t, body)
	v, err := rawjson.Check(w.Body.Bytes())
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("status %d, %v: %s", w.Code, err, w.Body)
	}
	return v
}

func TestEchoRepeatsTheQuestion(t *testing.T) {
	v := answerOf(t, `{"model":"echo","messages":[{"role":"user","content":"Hello"}]}`)
	if got := v.Get("choices").First().Path("message", "content").Text(); got != "You said: Hello" {
		t.Errorf("content %q", got)
	}
}

const withTool = `{"model":"tools","messages":[{"role":"user","content":"Paris"}%s],"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["C","F"]}},"required":["city","days","unit"]}}}]}`

func TestToolsCallsTheFirstToolAndReportsItsResult(t *testing.T) {
	v := answerOf(t, strings.Replace(withTool, "%s", "", 1)).Get("choices").First()
	call := v.Path("message", "tool_calls").First()
	if v.Get("finish_reason").Text() != "tool_calls" || call.Path("function", "name").Text() != "weather" {
		t.Fatalf("choice %s", v)
	}
	if args := call.Path("function", "arguments").Text(); args != `{"city":"Paris","days":1,"unit":"C"}` {
		t.Errorf("arguments %s", args)
	}
	v = answerOf(t, strings.Replace(withTool, "%s", `,{"role":"assistant","tool_calls":[]},{"role":"tool","tool_call_id":"x","content":"sunny"}`, 1))
	if got := v.Get("choices").First().Path("message", "content").Text(); got != "The tool answered: sunny" {
		t.Errorf("content %q", got)
	}
}

func TestReasoningThinksFirstAlsoInAStream(t *testing.T) {
	w := ask(t, `{"model":"reasoning","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Why?"}]}`)
	rd := sse.NewReader(w.Body, 0)
	var thought, text string
	usage := false
	last := ""
	for {
		ev, err := rd.Next()
		if err != nil {
			break
		}
		last = string(ev.Data)
		v := rawjson.Value(last)
		d := v.Get("choices").First().Get("delta")
		if text != "" && d.Get("reasoning_content") != nil {
			t.Error("reasoning after the text has begun")
		}
		thought += d.Get("reasoning_content").Text()
		text += d.Get("content").Text()
		usage = usage || v.Get("usage").Present()
	}
	if thought == "" || text != "I have thought about it: Why?" || !usage || last != sse.Done {
		t.Errorf("thought %q, text %q, usage %v, last %q", thought, text, usage, last)
	}
}

func TestUnknownModelsAndBrokenBodiesAreRefused(t *testing.T) {
	for body, want := range map[string]int{
		`{"model":"nope","messages":[]}`: http.StatusNotFound,
		`{broken`:                        http.StatusBadRequest,
	} {
		if w := ask(t, body); w.Code != want || !strings.Contains(w.Body.String(), `"error"`) {
			t.Errorf("%s: status %d, %s", body, w.Code, w.Body)
		}
	}
}

func TestTheDemoOnlyConverses(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("POST", "/v1/embeddings", strings.NewReader(`{"model":"echo","input":"x"}`)))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "only converses") {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
}
