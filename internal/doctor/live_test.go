package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fairlead-gateway/fairlead/client"
	"github.com/fairlead-gateway/fairlead/internal/config"
)

// fakeGateway serves the models signed (returns a signature and wants it back),
// plain (calls the tool without state), mute (never calls) and broken.
type fakeGateway struct {
	mu    sync.Mutex
	asked []string
}

func (g *fakeGateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/health/liveliness":
		_, _ = io.WriteString(w, `"I'm alive!"`)
	case r.Header.Get("Authorization") != "Bearer sk-key":
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"wrong key"}}`)
	case r.URL.Path == "/v1/models":
		_, _ = io.WriteString(w, `{"data":[{"id":"plain"},{"id":"signed","mode":"chat"},{"id":"mute"},{"id":"broken"},{"id":"voice","mode":"audio_speech"},{"id":"gemini/*"},{"id":"gemini/expanded"}]}`)
	default:
		g.answer(w, r)
	}
}

func (g *fakeGateway) answer(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Model    string
		Messages []json.RawMessage
		Tools    []any
	}
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		http.Error(w, "bad", http.StatusBadRequest)
		return
	}
	g.mu.Lock()
	g.asked = append(g.asked, in.Model)
	g.mu.Unlock()
	message := `{"role":"assistant","content":"ready"}`
	lost := len(in.Messages) > 1 && !bytes.Contains(in.Messages[1], []byte("c2lnbmF0dXJl"))
	switch {
	case in.Model == "broken", in.Model == "signed" && lost:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"thought signature missing"}}`)
		return
	case in.Model == "mute" || len(in.Tools) == 0 || len(in.Messages) > 1:
	default:
		message = `{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"get_harbour_depth","arguments":"{}"}`
		if in.Model == "signed" {
			message += `,"provider_specific_fields":{"thought_signature":"c2lnbmF0dXJl"}`
		}
		message += `}],"reasoning_content":"hm"}`
	}
	_, _ = io.WriteString(w, `{"choices":[{"message":`+message+`}]}`)
}

func serveGateway(t *testing.T) (*fakeGateway, string) {
	t.Helper()
	g := &fakeGateway{}
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	return g, s.URL
}

var liveConfig = &config.Config{Deployments: []config.Deployment{{ModelName: "plain"}, {ModelName: "signed"}, {ModelName: "mute"}, {ModelName: "broken"}, {ModelName: "voice"}, {ModelName: "gemini/*", Wildcard: true}}}

func TestLiveAsksEveryModelAndSaysWhetherStateCameBack(t *testing.T) {
	_, url := serveGateway(t)
	d := &Diagnosis{}
	progress := 0
	d.Live(t.Context(), LiveOptions{BaseURL: url, Key: "sk-key", Config: liveConfig, Preferred: "signed", Progress: func(int, int, ModelResult) { progress++ }})
	type row struct{ model, chat, tools, reasoning, problem string }
	var got []row
	for _, r := range d.Models {
		got = append(got, row{r.Model, r.Chat, r.Tools, strings.Join(r.Reasoning, " "), r.Problem})
	}
	want := []row{
		{"signed", "ok", "ok", "text thought_signature", ""},
		{"plain", "ok", "ok", "text", ""},
		{"mute", "ok", "no call", "", ""},
		{"broken", "failed", "", "", "400 Bad Request: thought signature missing"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if progress != 4 || d.Count(Error) != 1 || !strings.Contains(d.about("broken"), "It does not answer") {
		t.Errorf("progress %d, findings %+v", progress, d.Findings)
	}
	if d.Skipped != "Not asked: 2 of wildcards, 1 that do not chat. Name models with --model to ask them." {
		t.Errorf("skipped: %q", d.Skipped)
	}
}

func TestLiveAsksOnlyNamedModels(t *testing.T) {
	g, url := serveGateway(t)
	d := &Diagnosis{}
	d.Live(t.Context(), LiveOptions{BaseURL: url + "/v1", Key: "sk-key", Models: []string{"mute"}})
	if len(d.Models) != 1 || slices.ContainsFunc(g.asked, func(m string) bool { return m != "mute" }) {
		t.Errorf("asked %v", g.asked)
	}
}

func TestLiveSaysWhyItCannotAsk(t *testing.T) {
	_, url := serveGateway(t)
	silent := httptest.NewServer(http.NotFoundHandler())
	defer silent.Close()
	for _, c := range []struct{ url, key, subject, want string }{
		{url, "sk-other", "key", "error |  | The gateway does not accept the key: wrong key."},
		{"http://127.0.0.1:1", "", "gateway", "error |  | no gateway answers at http://127.0.0.1:1/v1."},
		{silent.URL, "", "gateway", "answers 404 Not Found to /health/liveliness"},
	} {
		d := &Diagnosis{}
		d.Live(t.Context(), LiveOptions{BaseURL: c.url, Key: c.key})
		if got := d.about(c.subject); !strings.Contains(got, c.want) || len(d.Models) > 0 {
			t.Errorf("%s: got %q, want %q", c.url, got, c.want)
		}
	}
}

func TestLiveAsksAtMostSoManyModels(t *testing.T) {
	var listed []client.Model
	for i := range maxLive + 3 {
		listed = append(listed, client.Model{ID: strings.Repeat("m", i+1)})
	}
	models, skipped := LiveOptions{}.choose(listed)
	if len(models) != maxLive || !strings.Contains(skipped, "3 beyond the first") {
		t.Errorf("%d models, %q", len(models), skipped)
	}
}

func TestListenerIsRecognised(t *testing.T) {
	about := func(title string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Litellm-Version", "1.2.3")
			switch r.URL.Path {
			case "/health/liveliness":
				_, _ = io.WriteString(w, `"I'm alive!"`)
			case "/openapi.json":
				_, _ = io.WriteString(w, `{"openapi":"3.1.0","info":{"title":"`+title+`"}}`)
			}
		})
	}
	foreign := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Server", "nginx\x1b/1") })
	for _, c := range []struct {
		name    string
		handler http.Handler
		want    ListenerKind
	}{{"Fairlead", about("Fairlead"), Fairlead}, {"LiteLLM", about("LiteLLM API"), LiteLLM}, {"another", foreign, Other}} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.handler)
			defer s.Close()
			l := listening(t.Context(), strings.TrimPrefix(s.URL, "http://"))
			if l.Kind != c.want || c.want == Fairlead && l.Version != "1.2.3" || strings.Contains(l.Server, "\x1b") {
				t.Errorf("got %+v", l)
			}
			secure := httptest.NewUnstartedServer(c.handler)
			secure.Config.ErrorLog = log.New(io.Discard, "", 0)
			secure.StartTLS()
			defer secure.Close()
			l = listening(t.Context(), strings.TrimPrefix(secure.URL, "https://"))
			if l.Kind != c.want || l.TLS != (c.want != Other) || c.want == Fairlead && l.Version != "1.2.3" {
				t.Errorf("with a certificate: %+v", l)
			}
		})
	}
	if l := listening(context.Background(), "127.0.0.1:1"); l.Kind != Nobody {
		t.Errorf("nobody is %+v", l)
	}
}
