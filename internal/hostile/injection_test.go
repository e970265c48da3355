package hostile_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// anything serves every model name with a fake that knows them all.
func anything(t *testing.T, names ...string) *gateway {
	f := testkit.NewOpenAI(t, testkit.WithModels(names...))
	return start(t, "model_list:\n"+deployment("*", "openai/*", f)+"general_settings: {master_key: "+masterKey+"}\nrouter_settings: {num_retries: 0}\n")
}

func TestS27S34NamesForgeNeitherHeadersNorLogLines(t *testing.T) {
	evil := "zz\r\nX-Evil: 1\r\n\r\nlevel=INFO msg=forged \x1b[31m"
	quoted := `zz\r\nX-Evil: 1\r\n\r\nlevel=INFO msg=forged \u001b[31m`
	g := anything(t, evil)
	for _, more := range []string{"", `,"stream":true`, `,"user":"` + quoted + `"`, `,"metadata":{"` + quoted + `":"` + quoted + `"}`} {
		a := g.chat(completion(quoted, said, more), "X-Request-Id: a b", "X-Litellm-Call-Id: c d")
		if a.status == 0 || a.status >= 500 {
			t.Errorf("%s: %d %.200s", more, a.status, a.body)
		}
		for line := range strings.Lines(a.head) {
			if strings.HasPrefix(strings.ToLower(line), "x-evil") {
				t.Errorf("a header was forged:\n%s", a.head)
			}
		}
	}
	g.raw(request("GET", "/v1/models/zz%0d%0aX-Evil:%201%1b%5b31m", ""))
	g.raw(request("GET", "/nowhere/%0d%0alevel=INFO%20msg=forged", ""))
	g.raw(request("POST", "/engines/zz%0d%0aX-Evil:%201/chat/completions", completion("x", said, "")))
	for line := range strings.Lines(g.log.String()) {
		if strings.HasPrefix(line, "level=INFO msg=forged") || strings.HasPrefix(line, "X-Evil") {
			t.Errorf("a log line was forged: %q", line)
		}
	}
}

// upstream is a server whose answer a test writes byte for byte.
func upstream(t *testing.T, answer http.HandlerFunc) *gateway {
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return start(t, "model_list:\n- {model_name: gpt, litellm_params: {model: openai/gpt-4o, api_base: \""+s.URL+"/v1\", api_key: canary-upstream-key-0001}}\n"+
		"general_settings: {master_key: "+masterKey+"}\nrouter_settings: {num_retries: 0}\n")
}

const whole = `{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`

func TestS28S50UpstreamHeadersPassAnAllowList(t *testing.T) {
	g := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{
			"Set-Cookie": "a=b", "X-Evil": "1", "Openai-Organization": "org-secret", "Connection": "X-Nominated", "X-Nominated": "1", "Keep-Alive": "x", "Proxy-Authenticate": "x",
			"Access-Control-Allow-Origin": "https://evil", "Content-Security-Policy": "none", "X-Litellm-Model-Id": "forged", "Server": "x", "Location": "http://evil", "Strict-Transport-Security": "x",
			"X-Request-Id": "upstream-1",
		} {
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(whole))
	})
	a := g.chat(completion("gpt", said, ""))
	if a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	head := strings.ToLower(a.head)
	for _, part := range []string{"set-cookie", "x-evil", "org-secret", "x-nominated", "keep-alive", "proxy-auth", "https://evil", "policy: none", "forged", "http://evil", "strict-transport"} {
		if strings.Contains(head, part) {
			t.Errorf("%q passed:\n%s", part, a.head)
		}
	}
	if !strings.Contains(head, "llm_provider-x-request-id: upstream-1") {
		t.Errorf("the provider's request id did not pass:\n%s", a.head)
	}
}

func TestS43AnUpstreamThatEchoesOurKeyGivesItToNobody(t *testing.T) {
	g := upstream(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"message":"Incorrect API key provided: ` + r.Header.Get("Authorization") + `\r\nX-Evil: 1","type":"invalid_request_error","code":"` + r.Header.Get("Authorization") + `"}}`))
	})
	for _, more := range []string{"", `,"stream":true`} {
		a := g.chat(completion("gpt", said, more))
		if strings.Contains(a.body+a.head, "canary") {
			t.Errorf("the key shows:\n%s\n%s", a.head, a.body)
		}
		a.explains(t, "refused key")
	}
}

func TestS36TextOfTheModelForgesNoEvents(t *testing.T) {
	forged := `x\n\ndata: {\"forged\":true}\n\nevent: error\ndata: [DONE]\n\n`
	chunk := `{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"` + forged + `"},"finish_reason":null}]}`
	last := `{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	g := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: " + chunk + "\n\ndata: " + chunk + "\n\ndata: " + last + "\n\ndata: [DONE]\n\n"))
	})
	a := g.chat(completion("gpt", said, `,"stream":true`))
	text, done := "", 0
	for line := range strings.Lines(a.body) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
		switch {
		case !ok:
		case data == "[DONE]":
			done++
		case !gjson.Valid(data) || gjson.Get(data, "forged").Exists():
			t.Errorf("a forged event: %s", data)
		default:
			text += gjson.Get(data, "choices.0.delta.content").String()
		}
	}
	if want := "x\n\ndata: {\"forged\":true}\n\nevent: error\ndata: [DONE]\n\n"; done != 1 || text != want+want {
		t.Errorf("%d ends, text %q", done, text)
	}
}

func TestU15U23NonsenseFromTheUpstreamIsAnErrorThatExplainsItself(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "HTML": "<!doctype html><title>x</title>", "cut off": `{"id":"c","choices":[`, "null": "null", "a list": "[]", "text": `"hi"`, "no choices": `{"id":"c","object":"chat.completion"}`,
		"choices null": `{"id":"c","choices":null}`, "choice null": `{"choices":[null]}`, "message text": `{"choices":[{"message":"hi"}]}`, "invalid UTF-8": "{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}",
		"error in a 200": `{"error":{"message":"overloaded, try later","code":529}}`, "deep": strings.Repeat("[", 100_000), "bytes": "\x00\x01\x02", "usage of text": strings.Replace(whole, `"total_tokens":2`, `"total_tokens":"many"`, 1),
		"usage below zero": strings.Replace(whole, `"prompt_tokens":1`, `"prompt_tokens":-5`, 1), "usage 1e300": strings.Replace(whole, `"prompt_tokens":1`, `"prompt_tokens":1e300`, 1),
	} {
		for _, more := range []string{"", `,"stream":true`} {
			g := upstream(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(body))
			})
			a := g.chat(completion("gpt", said, more))
			switch {
			case a.status == 0:
				t.Errorf("%s%s: no answer", name, more)
			case a.status != http.StatusOK:
				a.explains(t, name+more)
			}
		}
	}
}
