package openaichat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

func TestT99UpstreamErrorsMapAsTheTableSays(t *testing.T) {
	openAI := func(msg, typ, code string) string {
		return `{"error":{"message":"` + msg + `","type":"` + typ + `","param":null,"code":"` + code + `"}}`
	}
	tests := []struct {
		status int
		body   string
		want   int
		kind   llm.ErrorKind
		typ    string
	}{
		{400, openAI("This model's maximum context length is 8192 tokens.", "invalid_request_error", "context_length_exceeded"), 400, llm.KindContextWindow, "invalid_request_error"},
		{400, openAI("bad", "invalid_request_error", "x"), 400, llm.KindBadRequest, "invalid_request_error"},
		{400, openAI("Your request was rejected as a result of our safety system. content_policy_violation", "invalid_request_error", "content_policy_violation"), 400, llm.KindContentPolicy, "invalid_request_error"},
		{400, `{"error":{"message":"filtered","code":"content_filter"}}`, 400, llm.KindContentPolicy, "invalid_request_error"},
		{401, openAI("Incorrect API key provided: sk-fake.", "invalid_request_error", "invalid_api_key"), 401, llm.KindAuthentication, "authentication_error"},
		{403, openAI("no", "x", "y"), 403, llm.KindPermission, "permission_error"},
		{404, openAI("no", "invalid_request_error", "model_not_found"), 404, llm.KindNotFound, "invalid_request_error"},
		{413, `{"error":{"message":"Request too large for model"}}`, 429, llm.KindRateLimit, "throttling_error"},
		{418, ``, 418, llm.KindAPI, "invalid_request_error"},
		{422, openAI("Unprocessable", "invalid_request_error", "unprocessable"), 422, llm.KindUnprocessable, "invalid_request_error"},
		{429, openAI("Rate limit reached for requests", "requests", "rate_limit_exceeded"), 429, llm.KindRateLimit, "throttling_error"},
		{429, openAI("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), 429, llm.KindRateLimit, "throttling_error"},
		{500, openAI("The server had an error while processing your request", "server_error", ""), 500, llm.KindInternal, "internal_server_error"},
		{502, `<html>bad gateway</html>`, 502, llm.KindBadGateway, "internal_server_error"},
		{503, openAI("overloaded", "server_error", ""), 503, llm.KindUnavailable, "internal_server_error"},
		{504, ``, 504, llm.KindTimeout, "internal_server_error"},
	}
	for _, tc := range tests {
		e := Wire{}.Error(tc.status, nil, []byte(tc.body))
		status, body := Dialect{}.Error(e)
		obj := rawjson.Value(body).Get("error")
		if e.Kind != tc.kind || status != tc.want || !obj.Get("type").Is(tc.typ) || obj.Get("code").Text() != itoa(tc.want) || string(obj.Get("param")) != "null" {
			t.Errorf("%d %s: %v %d %s", tc.status, tc.body, e.Kind, status, body)
		}
		if obj.Get("message").Text() == "" || !e.Upstream || e.UpstreamStatus != tc.status {
			t.Errorf("%d: %+v", tc.status, e)
		}
	}
}

func itoa(n int) string { return string(rawjson.Int(int64(n))) }

func TestSentenceIsFoundInEveryShapeOfError(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":"just text"}`: "just text",
		`{"message":"m"}`:       "m",
		`{"detail":[{"loc":["body"],"msg":"field required"}]}`: "field required",
		`[{"error":{"message":"in a list"}}]`:                  "in a list",
		`{"error":{"code":"1302","message":"too many"}}`:       "too many",
		`{"error":{"message":{"error":{"message":"nested"}}}}`: "nested",
		`plain words`:  "plain words",
		`{"odd":1}`:    `{"odd":1}`,
		``:             "status 500",
		`{"error":{}}`: `{"error":{}}`,
	} {
		if e := (Wire{}).Error(500, nil, []byte(body)); !strings.Contains(e.Message, want) {
			t.Errorf("%s: %s", body, e.Message)
		}
	}
}

func TestErrorTextIsBoundedAndHoldsNoKey(t *testing.T) {
	e := Wire{}.Error(401, nil, []byte(`{"error":{"message":"bad key sk-proj-0123456789abcdef `+strings.Repeat("x", 1<<20)+`"}}`))
	if len(e.Message) > 10<<10 || strings.Contains(e.Message, "0123456789abcdef") {
		t.Errorf("%d bytes: %.100s", len(e.Message), e.Message)
	}
}

func TestRetryAfterIsReadInEveryForm(t *testing.T) {
	tests := []struct {
		header map[string]string
		want   time.Duration
	}{
		{map[string]string{"Retry-After": "2"}, 2 * time.Second},
		{map[string]string{"Retry-After": "1.5"}, 1500 * time.Millisecond},
		{map[string]string{"Retry-After": "9", "Retry-After-Ms": "250"}, 250 * time.Millisecond},
		{map[string]string{"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:59:29 GMT"}, 30 * time.Second},
		{map[string]string{"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0},
		{map[string]string{"Retry-After": "-5"}, 0},
		{map[string]string{"Retry-After": "soon"}, 0},
		{map[string]string{"Retry-After": "1e300"}, errtext.MaxRetryAfter},
		{nil, 0},
	}
	for _, tc := range tests {
		h := http.Header{}
		for k, v := range tc.header {
			h.Set(k, v)
		}
		if got := (Wire{}).Error(429, h, nil).RetryAfter; got != tc.want {
			t.Errorf("%v = %v, want %v", tc.header, got, tc.want)
		}
	}
}

func TestOwnErrorsKeepTheirTypeCodeAndParameter(t *testing.T) {
	status, body := Dialect{}.Error(&llm.Error{Kind: llm.KindAuthentication, Status: 401, Type: "auth_error", Code: "no_key", Param: "k", Message: "m"})
	if status != 401 || string(body) != `{"error":{"message":"m","type":"auth_error","param":"k","code":"no_key"}}` {
		t.Errorf("%d %s", status, body)
	}
	status, body = Dialect{}.Error(&llm.Error{Kind: llm.KindRateLimit, Message: "m"})
	if status != 429 || !strings.Contains(string(body), "throttling_error") {
		t.Errorf("no status: %d %s", status, body)
	}
}
