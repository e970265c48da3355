package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// dripping is an upstream whose stream brings one token and no more until it is let go.
func dripping(t *testing.T, let <-chan struct{}) string {
	t.Helper()
	const chunk = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"drip"},"finish_reason":%s}]}` + "\n\n"
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, chunk, "null")
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
		case <-let:
			fmt.Fprintf(w, chunk+"data: [DONE]\n\n", `"stop"`)
		}
	}))
	t.Cleanup(up.Close)
	return up.URL
}

const slowOne = "- model_name: m\n  litellm_params: {model: openai/x, api_base: %s, api_key: sk-0, order: 1}\n"

func TestAStreamThatIsTooSlowIsLeftBeforeItsAnswerBegins(t *testing.T) {
	quick := testkit.NewOpenAI(t)
	for name, tt := range map[string]struct{ settings, other string }{
		"a neighbour": {"num_retries: 1", deployment("m", "openai/gpt-4o", quick, "order: 2")},
		"a fallback":  {"num_retries: 0, fallbacks: [{m: [spare]}]", deployment("spare", "openai/gpt-4o", quick)},
	} {
		g := start(t, modelList("router_settings: {"+tt.settings+"}\nfairlead_settings: {commit_rate: 1000, commit_window: 0.05}",
			fmt.Sprintf(slowOne, dripping(t, nil)), tt.other))
		r := g.post(streamed(plain("m", "hi"))).ok()
		if strings.Contains(r.body, "drip") || !strings.Contains(r.body, "[DONE]") || strings.Contains(r.body, `"error"`) {
			t.Errorf("%s: %s", name, r.body)
		}
		g.log.Find(0, requestLine, g.done)
		w := g.why(r.header.Get("x-litellm-call-id")).ok()
		if !strings.Contains(w.get("attempts.0.error").String(), "did not bring 50 tokens after its first (it brought 1) within 50ms") {
			t.Errorf("%s: why: %s", name, w.body)
		}
	}
}

func TestASlowStreamThatNobodyCanReplaceIsTaken(t *testing.T) {
	let := make(chan struct{})
	g := start(t, modelList("fairlead_settings: {commit_rate: 1000, commit_window: 0.001}", fmt.Sprintf(slowOne, dripping(t, let))))
	resp := g.open(t.Context(), streamed(plain("m", "hi")))
	defer resp.Body.Close()
	close(let) // the answer has begun
	body, err := io.ReadAll(resp.Body)
	if err != nil || strings.Count(string(body), "drip") != 2 || !strings.Contains(string(body), "[DONE]") {
		t.Errorf("%v: %s", err, body)
	}
}
