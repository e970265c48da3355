package errtext

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func TestTextTellsTheKindOfError(t *testing.T) {
	tests := []struct {
		provider string
		status   int
		text     string
		want     llm.ErrorKind // 0: the text tells nothing
	}{
		{"openai", 400, "This model's maximum context length is 8192 tokens. However, …", llm.KindContextWindow},
		{"deepseek", 400, `{"error": {"message": "x", "code": "context_length_exceeded"}}`, llm.KindContextWindow},
		{"anthropic", 400, "prompt is too long: 205000 tokens > 200000 maximum", llm.KindContextWindow},
		{"openai", 400, "prompt is too long", 0},
		{"gemini", 400, "The input token count (1) exceeds the maximum number of tokens allowed (2).", llm.KindContextWindow},
		{"vertex_ai", 400, "400 Request payload size exceeds the limit", llm.KindContextWindow},
		{"bedrock_converse", 400, "Input is too long for requested model.", llm.KindContextWindow},
		{"openai", 400, "Invalid 'messages[0].content': string too long. Expected a string with maximum length 10", llm.KindContextWindow},
		{"openai", 400, "string too long. Expected a string with maximum length 64 (string_above_max_length)", 0},
		{"openai", 400, "current length is 5 while limit is 4", llm.KindContextWindow},
		{"openai", 429, "this model's maximum context length is 5", llm.KindRateLimit},
		{"openai", 400, "Your request was rejected as a result of our safety system.", llm.KindContentPolicy},
		{"openai", 400, `{"type":"invalid_request_error","code":"content_policy_violation"}`, llm.KindContentPolicy},
		{"openai", 400, "content_policy_violation", 0},
		{"azure", 400, "content_policy_violation", llm.KindContentPolicy},
		{"openai", 400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy.", llm.KindContentPolicy},
		{"anthropic", 400, "Output blocked by content filtering policy", llm.KindContentPolicy},
		{"gemini", 400, "API key not valid. Please pass a valid API key.", llm.KindAuthentication},
		{"openai", 401, "Incorrect API key provided: x", llm.KindAuthentication},
		{"groq", 413, "Request too large for model", llm.KindRateLimit},
		{"openai", 413, "body of 5 bytes", 0},
		{"openai", 429, "insufficient_quota", llm.KindRateLimit},
		{"openai", 400, "rate limit of 5 exceeded", 0},
		{"", 0, "status 429 from upstream", llm.KindRateLimit},
		{"", 0, "token 14290 is bad", 0},
		{"", 500, `{"error":{"code": 429}}`, llm.KindRateLimit},
		{"openai", 404, `{"type":"invalid_request_error","code":"model_not_found"}`, llm.KindNotFound},
		{"azure", 404, "DeploymentNotFound", llm.KindNotFound},
		{"anthropic", 529, "overloaded_error: Overloaded", llm.KindInternal},
		{"openai", 503, "overloaded", 0},
		{"openai", 500, "The server had an error while processing your request", llm.KindInternal},
		{"openai", 400, "whatever", 0},
	}
	for _, tc := range tests {
		kind, ok := Classify(tc.provider, tc.status, tc.text)
		if kind != tc.want || ok != (tc.want != 0) {
			t.Errorf("Classify(%q, %d, %q) = %v, %v; want %v", tc.provider, tc.status, tc.text, kind, ok, tc.want)
		}
	}
}

func TestStatusAndTypeFollowTheClassTable(t *testing.T) {
	tests := []struct {
		upstream int
		kind     llm.ErrorKind
		typ      string
	}{
		{400, llm.KindBadRequest, "invalid_request_error"},
		{401, llm.KindAuthentication, "authentication_error"},
		{402, llm.KindPayment, "invalid_request_error"},
		{403, llm.KindPermission, "permission_error"},
		{404, llm.KindNotFound, "invalid_request_error"},
		{408, llm.KindTimeout, "invalid_request_error"},
		{418, llm.KindAPI, "invalid_request_error"},
		{422, llm.KindUnprocessable, "invalid_request_error"},
		{429, llm.KindRateLimit, "throttling_error"},
		{500, llm.KindInternal, "internal_server_error"},
		{502, llm.KindBadGateway, "internal_server_error"},
		{503, llm.KindUnavailable, "internal_server_error"},
		{504, llm.KindTimeout, "internal_server_error"},
	}
	for _, tc := range tests {
		kind := ByStatus(tc.upstream)
		if kind != tc.kind || Type(kind, tc.upstream) != tc.typ {
			t.Errorf("%d = %v %s, want %v %s", tc.upstream, kind, Type(kind, tc.upstream), tc.kind, tc.typ)
		}
		if s := Status(kind); tc.upstream != 418 && tc.upstream != 504 && s != tc.upstream {
			t.Errorf("Status(%v) = %d, want %d", kind, s, tc.upstream)
		}
	}
}

func TestCleanedTextHoldsNoKeyAndIsBounded(t *testing.T) {
	got := Clean("Incorrect API key provided: sk-proj-abcdefghijkl1234. See https://x.example/sk-short")
	if strings.Contains(got, "abcdefgh") || !strings.Contains(got, "sk-***") || !strings.Contains(got, "sk-short") {
		t.Errorf("masked = %q", got)
	}
	if got := Clean("key AIzaSyA1234567890abcdef and gsk_abcdefghijklmnop"); strings.Contains(got, "1234567890") || strings.Contains(got, "ghijkl") {
		t.Errorf("masked = %q", got)
	}
	if got := Clean("task-abcdefghijklmnop"); got != "task-abcdefghijklmnop" {
		t.Errorf("an ordinary word was masked: %q", got)
	}
	if got := Clean(strings.Repeat("é", 1<<20)); len(got) > maxText+8 || strings.Contains(got, "\ufffd") {
		t.Errorf("cut text has %d bytes", len(got))
	}
	if got := Clean("bad \xff byte"); got != "bad \ufffd byte" {
		t.Errorf("bad UTF-8 = %q", got)
	}
}
