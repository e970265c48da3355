package relay

import (
	"net/http"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/obs"
)

func TestSecretsInHeadersOfUpstreamsAreHidden(t *testing.T) {
	r := &Relay{Redactor: func() *obs.Redactor { return obs.NewRedactor([]string{"configured-secret"}) }}
	from := http.Header{
		"X-Request-Id": {"req_1", "for configured-secret"}, "Request-Id": {"sk-0123456789abcdef"}, "X-Ratelimit-Limit-Key": {"configured-secret"},
		"Retry-After": {"7"}, "Openai-Organization": {"org-1"}, "Set-Cookie": {"configured-secret"},
	}
	h := http.Header{}
	r.copyUpstreamHeaders(h, from)
	want := map[string]string{
		"Llm_provider-X-Request-Id": "req_1|for <secret>", "Llm_provider-Request-Id": "<secret>", "Request-Id": "<secret>",
		"Llm_provider-X-Ratelimit-Limit-Key": "<secret>", "X-Ratelimit-Limit-Key": "<secret>", "Llm_provider-Retry-After": "7",
	}
	for name, values := range h {
		text := values[0]
		for _, v := range values[1:] {
			text += "|" + v
		}
		if text != want[name] {
			t.Errorf("%s: %q, want %q", name, text, want[name])
		}
	}
	if len(h) != len(want) || from["X-Request-Id"][1] != "for configured-secret" {
		t.Errorf("%d headers, want %d; from is now %v", len(h), len(want), from)
	}
}
