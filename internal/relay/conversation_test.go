package relay

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/auth"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
	"github.com/fairlead-gateway/fairlead/internal/wire/openairesponses"
)

// spoken is an exchange of a tenant's request in a dialect.
func spoken(t testing.TB, d wire.Dialect, tenant, body string, header ...string) *exchange {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := d.Decode(v)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	x := &exchange{rq: &Request{LLM: req, Dialect: d, Header: h, Principal: auth.Principal{Tenant: tenant}}}
	if err := x.readControls(); err != nil {
		t.Fatal(err)
	}
	return x
}

// dialogue is a conversation in one dialect: two requests of it, and one of another.
type dialogue struct {
	dialect             wire.Dialect
	first, next, second string
}

var dialogues = map[string]dialogue{
	"chat": {
		openaichat.Dialect{},
		`{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}`,
		`{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"model":"m"}`,
		`{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"z"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
	},
	"messages, with a cache marker that moves": {
		anthropic.Dialect{},
		`{"model":"m","max_tokens":9,"system":"s","messages":[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}`,
		`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"system":"s"}`,
		`{"model":"m","max_tokens":9,"system":"other","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
	},
	"responses": {
		openairesponses.Dialect{},
		`{"model":"m","instructions":"s","input":[{"role":"user","content":"a"}]}`,
		`{"model":"m","instructions":"s","input":[{"role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"1"}]}`,
		`{"model":"m","instructions":"s","input":[{"role":"user","content":"z"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"1"}]}`,
	},
	"responses, a text and the answer's id, with other instructions": {
		openairesponses.Dialect{},
		`{"model":"m","instructions":"s","input":"a"}`,
		`{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"a"}]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"b"}]},{"role":"user","content":"c"}]}`,
		`{"model":"m","instructions":"s","input":"z"}`,
	},
	"gemini": {
		gemini.Dialect{},
		`{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"parts":[{"text":"a"}]}]}`,
		`{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]},{"role":"user","parts":[{"text":"c"}]}]}`,
		`{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"parts":[{"text":"z"}]},{"role":"model","parts":[{"text":"b"}]},{"role":"user","parts":[{"text":"c"}]}]}`,
	},
}

func TestAConversationIsKnownByHowItBeginsInEveryDialect(t *testing.T) {
	for name, d := range dialogues {
		id, goesOn := spoken(t, d.dialect, "t", d.first).Conversation()
		if goesOn || id == (route.Conversation{}) {
			t.Errorf("%s: the first request goes on: %v, id %x", name, goesOn, id)
		}
		next, goesOn := spoken(t, d.dialect, "t", d.next).Conversation()
		if !goesOn || next != id {
			t.Errorf("%s: the next request is of the same: %v, goes on %v", name, next == id, goesOn)
		}
		if other, _ := spoken(t, d.dialect, "t", d.second).Conversation(); other == id {
			t.Errorf("%s: another conversation has the same id", name)
		}
		if foreign, _ := spoken(t, d.dialect, "u", d.next).Conversation(); foreign == id {
			t.Errorf("%s: another tenant has the same id", name)
		}
	}
}

func TestATextToEmbedIsNoConversation(t *testing.T) {
	x := spoken(t, openairesponses.Dialect{}, "t", `{"model":"m","input":"a"}`)
	x.rq.Dialect = nil
	if id, goesOn := x.Conversation(); goesOn || id != (route.Conversation{}) {
		t.Errorf("goes on %v, id %x", goesOn, id)
	}
}

func TestAConversationIsKnownByWhatItsClientCallsIt(t *testing.T) {
	chat := func(more string) string {
		return `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("x", len(more)) + `"}]` + more + `}`
	}
	for name, x := range map[string]*exchange{
		"header":             spoken(t, openaichat.Dialect{}, "t", chat(``), "X-Litellm-Session-Id", "s1"),
		"Codex":              spoken(t, openaichat.Dialect{}, "t", chat(``), "Session-Id", "s1", "Thread-Id", "other"),
		"some vendor":        spoken(t, openaichat.Dialect{}, "t", chat(``), "X-Parent-Session-Id", "other", "X-Vendor-Session-Id", "s1", "X-Zz-Session-Id", "other"),
		"litellm_session_id": spoken(t, openaichat.Dialect{}, "t", chat(`,"litellm_session_id":"s1"`)),
		"metadata":           spoken(t, openaichat.Dialect{}, "t", chat(`,"metadata":{"session_id":"s1"}`)),
		"prompt_cache_key":   spoken(t, openaichat.Dialect{}, "t", chat(`,"prompt_cache_key":"s1"`)),
		"responses": spoken(t, openairesponses.Dialect{}, "t",
			`{"model":"m","input":"hi","prompt_cache_key":"s1"}`),
	} {
		id, goesOn := x.Conversation()
		want, _ := spoken(t, openaichat.Dialect{}, "t", chat(``), "Session_id", "s1").Conversation()
		if !goesOn || id != want {
			t.Errorf("%s: goes on %v, the session's id %v", name, goesOn, id == want)
		}
	}
	claude := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"metadata":{"user_id":"user_1_session_2"}}`
	if _, goesOn := spoken(t, anthropic.Dialect{}, "t", claude).Conversation(); !goesOn {
		t.Error("Claude Code's session is not seen")
	}
}

func TestOnlyABoundedPartOfALongConversationIsRead(t *testing.T) {
	long := func(tail string) string {
		return `{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("long ", 1<<18) + tail + `"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`
	}
	a, goesOn := spoken(t, openaichat.Dialect{}, "t", long("a")).Conversation()
	if b, _ := spoken(t, openaichat.Dialect{}, "t", long("b")).Conversation(); !goesOn || a != b {
		t.Error("what stands after the first two KiB of a message decides")
	}
}

func BenchmarkConversation(b *testing.B) {
	x := spoken(b, openaichat.Dialect{}, "t", `{"model":"m","messages":[{"role":"system","content":"`+strings.Repeat("rule ", 1<<12)+
		`"},{"role":"user","content":"`+strings.Repeat("text ", 1<<10)+`"},{"role":"assistant","content":"b"}]}`)
	b.ReportAllocs()
	for b.Loop() {
		x.Conversation()
	}
}
