package relay

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// controlled is an exchange with these header fields, before they were read.
func controlled(t *testing.T, body string, header ...string) *exchange {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := openaichat.Dialect{}.Decode(v)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &exchange{rq: &Request{LLM: req, Header: h}}
}

func TestHeadersOfARequestWinOverItsBody(t *testing.T) {
	x := controlled(t, `{"model":"m","messages":[{"role":"user","content":"a"}],"timeout":9,"stream_timeout":9,"priority":9,"num_retries":9}`,
		"x-litellm-timeout", "1.5", "x-litellm-stream-timeout", "2", "x-litellm-priority", "-3", "x-litellm-num-retries", "4")
	if err := x.readControls(); err != nil {
		t.Fatal(err)
	}
	c := x.controls
	if c.Timeout != 1500*time.Millisecond || c.StreamTimeout != 2*time.Second || *c.Priority != -3 || *c.NumRetries != 4 {
		t.Errorf("%v %v %v %v", c.Timeout, c.StreamTimeout, *c.Priority, *c.NumRetries)
	}
}

func TestAHeaderThatIsNoNumberIsAClientsMistake(t *testing.T) {
	for name, values := range map[string][]string{
		"x-litellm-timeout": {"soon", "-1", "NaN", "1e9"}, "x-litellm-stream-timeout": {"soon", "-1", "NaN"},
		"x-litellm-priority": {"high", "1.5"}, "x-litellm-num-retries": {"many", "-1"},
	} {
		for _, value := range values {
			err := controlled(t, `{"model":"m","messages":[]}`, name, value).readControls()
			if e := llm.AsError(err); err == nil || e.Status != 400 || !strings.Contains(e.Message, name) {
				t.Errorf("%s: %s: %v", name, value, err)
			}
		}
	}
}
