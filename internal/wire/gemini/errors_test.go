package gemini

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

func TestErrorsByStatusAndText(t *testing.T) {
	obj := func(code, message, status string) string {
		return `{"error":{"code":` + code + `,"message":"` + message + `","status":"` + status + `"}}`
	}
	for _, tc := range []struct {
		name   string
		status int
		body   string
		kind   llm.ErrorKind
		want   int
	}{
		{"context", 400, obj("400", "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).", "INVALID_ARGUMENT"), llm.KindContextWindow, 400},
		{"bad key", 400, obj("401", "API key not valid. Please pass a valid API key.", "UNAUTHENTICATED"), llm.KindAuthentication, 401},
		{"bad key, as Google says it", 400, obj("400", "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT"), llm.KindAuthentication, 401},
		{"signature", 400, obj("400", "Corrupted thought signature.", "INVALID_ARGUMENT"), llm.KindBadRequest, 400},
		{"forbidden", 403, obj("403", "no", "PERMISSION_DENIED"), llm.KindBadRequest, 403},
		{"not found", 404, obj("404", "models/x is not found", "NOT_FOUND"), llm.KindNotFound, 404},
		{"unprocessable", 422, obj("422", "Unprocessable", "UNKNOWN"), llm.KindBadRequest, 422},
		{"quota", 429, obj("429", "Quota", "RESOURCE_EXHAUSTED"), llm.KindRateLimit, 429},
		{"quota in an array", 429, "[" + obj("429", "Quota", "RESOURCE_EXHAUSTED") + "]", llm.KindRateLimit, 429},
		{"quota hidden in a 500", 500, obj(`"429"`, "try later", ""), llm.KindRateLimit, 429},
		{"quota hidden in a 503", 503, obj("null", "x", "RESOURCE_EXHAUSTED"), llm.KindRateLimit, 429},
		{"internal", 500, obj("500", "The server had an error while processing your request", "INTERNAL"), llm.KindInternal, 500},
		{"overloaded", 503, obj("503", "The model is overloaded.", "UNAVAILABLE"), llm.KindInternal, 500},
		{"gateway", 502, "<html>Bad gateway</html>", llm.KindBadGateway, 502},
		{"timeout", 504, obj("504", "Deadline expired", "DEADLINE_EXCEEDED"), llm.KindTimeout, 500},
		{"teapot", 418, "", llm.KindAPI, 418},
		{"a string", 400, `{"error":"plain words"}`, llm.KindBadRequest, 400},
		{"blocked", 400, obj("400", "The response was blocked.", ""), llm.KindContentPolicy, 400},
		{"odd status", 302, "", llm.KindInternal, 500},
	} {
		e := Wire{}.Error(tc.status, http.Header{}, []byte(tc.body))
		if e.Kind != tc.kind || e.Status != tc.want || !e.Upstream || e.UpstreamStatus != tc.status || e.Provider != Name || e.Message == "" {
			t.Errorf("%s: %+v", tc.name, e)
		}
		if strings.Contains(e.Message, "<html") {
			t.Errorf("%s: the page is in the message: %s", tc.name, e.Message)
		}
	}
}

func TestT46_RetryDelayIsReadFromTheBodyThenTheHeader(t *testing.T) {
	body := `[{"error":{"code":429,"message":"Quota exceeded","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.Help"},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]}}]`
	e := Wire{}.Error(429, http.Header{"Retry-After": {"9"}}, []byte(body))
	if e.RetryAfter != 1500*time.Millisecond || e.Status != 429 || !strings.Contains(e.Message, "Quota exceeded") {
		t.Errorf("error = %+v", e)
	}
	for header, want := range map[string]time.Duration{"9": 9 * time.Second, "soon": 0, "-3": 0, "99999999": errtext.MaxRetryAfter, "": 0, "Tue, 24 Nov 2026 10:00:30 GMT": 30 * time.Second} {
		if e := (Wire{}).Error(503, http.Header{"Retry-After": {header}, "Date": {"Tue, 24 Nov 2026 10:00:00 GMT"}}, nil); e.RetryAfter != want {
			t.Errorf("Retry-After %q = %v", header, e.RetryAfter)
		}
	}
	if e := (Wire{}).Error(429, http.Header{"Retry-After-Ms": {"250"}, "Retry-After": {"1"}}, nil); e.RetryAfter != 250*time.Millisecond {
		t.Errorf("retry-after-ms = %v", e.RetryAfter)
	}
}

func TestNoKeyIsShownInAnErrorText(t *testing.T) {
	key := "AIza" + strings.Repeat("Sy0_-x", 6)
	e := Wire{}.Error(403, nil, []byte(`{"error":{"message":"Consumer 'api_key:`+key+`' has been suspended."}}`))
	if strings.Contains(e.Message, key) || !strings.Contains(e.Message, "has been suspended") {
		t.Errorf("message = %s", e.Message)
	}
}
