package e2e_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// halt is an answer that stops in its middle until it is let go on; one that begins with
// nothing has no header until then either.
type halt struct {
	status       int
	contentType  string
	begins, ends string
	// breaks says that it breaks off in the end.
	breaks bool
}

// halting is an upstream that answers so; goOn, which may be called once, lets it go on.
type halting struct {
	halt
	url  string
	more chan struct{}
}

func halted(t *testing.T, h halt) *halting {
	t.Helper()
	up := &halting{halt: h, more: make(chan struct{})}
	s := httptest.NewServer(up)
	t.Cleanup(s.Close)
	up.url = s.URL
	return up
}

func (up *halting) goOn() { close(up.more) }

func (up *halting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", up.contentType)
	if up.begins != "" {
		io.WriteString(w, up.begins)
		w.(http.Flusher).Flush()
	}
	select {
	case <-up.more:
	case <-r.Context().Done():
		return
	}
	if up.begins == "" {
		w.WriteHeader(up.status)
	}
	io.WriteString(w, up.ends)
	if up.breaks {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func (up *halting) model(name, model string) string {
	return "- {model_name: " + name + ", litellm_params: {model: " + model + ", api_base: '" + up.url + "/v1', api_key: sk-upstream}}\n"
}

// pingedAfter asks for a stream, lets the upstream go on when a keepalive has come after
// what the client has seen by then, and reads the rest.
func (up *halting) pingedAfter(t *testing.T, g *gateway, seen, ping, path, contentType, body string) reply {
	t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	resp, err := g.request(context.Background(), method, path, body, "Content-Type", contentType)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got strings.Builder
	buf := make([]byte, 4<<10)
	for !strings.HasPrefix(got.String(), seen+ping) && !strings.HasPrefix(got.String(), ping) {
		n, err := resp.Body.Read(buf)
		got.Write(buf[:n])
		if err != nil {
			t.Fatalf("%d, %v after %q, without a keepalive", resp.StatusCode, err, got.String())
		}
	}
	up.goOn()
	rest, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%v after %q", err, got.String()+string(rest))
	}
	return reply{t, resp.StatusCode, resp.Header, got.String() + string(rest)}
}

// linesOf are the lines of a stream that say something, without its keepalives.
func linesOf(stream, ping string) []string {
	if strings.TrimSpace(ping) != "" {
		stream = strings.ReplaceAll(stream, ping, "")
	}
	return slices.DeleteFunc(strings.Split(stream, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
}

const comment = ": ping\n\n"

// taskStream is a task whose answer may be events: the request, as JSON or as a form with
// a file, a whole answer, and what becomes of it within a stream.
type taskStream struct {
	path, body, file           string
	contentType, answer, event string
}

func (s taskStream) request(t *testing.T) (contentType, body string) {
	t.Helper()
	if s.file == "" {
		return "application/json", s.body
	}
	return formOf(t, "model", "m", "prompt", "a cat", "stream", "true", "@"+s.file, "bytes")
}

const aPicture = `{"created":5,"data":[{"b64_json":"QUI="}],"usage":{"input_tokens":3,"output_tokens":4,"total_tokens":7}}`

var taskStreams = []taskStream{
	{
		"/v1/images/generations", `{"model":"m","prompt":"a cat","stream":true}`, "", "application/json", aPicture,
		"event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\",\"b64_json\":\"QUI=\",\"created_at\":5,\"usage\":{\"input_tokens\":3,\"output_tokens\":4,\"total_tokens\":7}}\n\n",
	},
	{
		"/v1/images/edits", "", "image", "application/json", aPicture,
		"event: image_edit.completed\ndata: {\"type\":\"image_edit.completed\",\"b64_json\":\"QUI=\",\"created_at\":5,\"usage\":{\"input_tokens\":3,\"output_tokens\":4,\"total_tokens\":7}}\n\n",
	},
	{
		"/v1/audio/speech", `{"model":"m","input":"x","voice":"v","stream_format":"sse"}`, "", "audio/mpeg", "ID3",
		"data: {\"type\":\"speech.audio.delta\",\"audio\":\"SUQz\"}\n\ndata: {\"type\":\"speech.audio.done\"}\n\n",
	},
	{
		"/v1/audio/transcriptions", "", "file", "application/json", `{"text":"hi","usage":{"type":"duration","seconds":1}}`,
		"data: {\"type\":\"transcript.text.done\",\"text\":\"hi\",\"usage\":{\"type\":\"duration\",\"seconds\":1}}\n\n",
	},
	{
		"/v1/audio/transcriptions", "", "file", "text/plain", "hi\nyou",
		"data: {\"type\":\"transcript.text.done\",\"text\":\"hi\\nyou\"}\n\n",
	},
}

const (
	taskBegins = "event: x.partial\ndata: {\"type\":\"x.partial\",\"n\":1}\n\n"
	taskEnds   = "data: {\"type\":\"x.done\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4,\"total_tokens\":7}}\n\n"
	someEvents = taskBegins + taskEnds
)

func everyTaskStream(t *testing.T, test func(t *testing.T, s taskStream)) {
	for _, s := range taskStreams {
		t.Run(strings.TrimPrefix(s.path, "/v1/")+" "+s.contentType, func(t *testing.T) { test(t, s) })
	}
}

func TestStreamsOfTasksAreKeptAlive(t *testing.T) {
	everyTaskStream(t, func(t *testing.T, s taskStream) {
		for name, h := range map[string]halt{
			"within":            {contentType: "text/event-stream", begins: taskBegins, ends: taskEnds},
			"before an event":   {contentType: "text/event-stream", begins: ": soon\n\n", ends: someEvents},
			"before the answer": {contentType: "text/event-stream", status: 200, ends: someEvents},
		} {
			t.Run(name, func(t *testing.T) {
				up := halted(t, h)
				g := start(t, modelList(impatient, up.model("m", "openai/x")))
				contentType, body := s.request(t)
				r := up.pingedAfter(t, g, taskBegins, comment, s.path, contentType, body)
				if got := linesOf(r.body, comment); !slices.Equal(got, linesOf(someEvents, comment)) || r.status != 200 || r.header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
					t.Errorf("%d %v %q", r.status, r.header, r.body)
				}
				if line := g.log.Find(0, requestLine, g.done); !strings.Contains(line, "in=3 out=4") {
					t.Errorf("the log says %s", line)
				}
			})
		}
	})
}

// lateFailures are failures of what a keepalive has opened.
var lateFailures = map[string]halt{
	"refused":    {contentType: "application/json", status: 503, ends: `{"error":{"message":"busy"}}`},
	"broken off": {contentType: "text/event-stream", begins: ": soon\n\n", breaks: true},
}

func TestATaskThatAKeepaliveHasOpenedStillFallsBack(t *testing.T) {
	everyTaskStream(t, func(t *testing.T, s taskStream) {
		for name, h := range lateFailures {
			for kind, answer := range map[string]cannedAnswer{
				"events": {200, "text/event-stream", someEvents, nil}, "whole": {200, s.contentType, s.answer, nil},
			} {
				t.Run(name+", then "+kind, func(t *testing.T) {
					up, good := halted(t, h), upstreamWith(t, map[string][]cannedAnswer{s.path: {answer}})
					g := start(t, modelList(impatient+"litellm_settings: {fallbacks: [{m: [spare]}]}", up.model("m", "openai/x"), good.model("spare", "openai/y", "/v1")))
					contentType, body := s.request(t)
					r := up.pingedAfter(t, g, "", comment, s.path, contentType, body)
					want := someEvents
					if kind == "whole" {
						want = s.event
					}
					if got := linesOf(r.body, comment); !slices.Equal(got, linesOf(want, comment)) || r.status != 200 {
						t.Errorf("%d %q, want %q", r.status, r.body, want)
					}
				})
			}
		}
	})
}

func TestATaskThatAKeepaliveHasOpenedFailsWithinTheStream(t *testing.T) {
	everyTaskStream(t, func(t *testing.T, s taskStream) {
		for name, h := range lateFailures {
			t.Run(name, func(t *testing.T) {
				up := halted(t, h)
				g := start(t, modelList(impatient, up.model("m", "openai/x")))
				contentType, body := s.request(t)
				r := up.pingedAfter(t, g, "", comment, s.path, contentType, body)
				got := linesOf(r.body, comment)
				if len(got) != 2 || !strings.HasPrefix(got[0], `data: {"error":{"message":"`) || got[1] != "data: [DONE]" || r.status != 200 {
					t.Errorf("%d %q", r.status, r.body)
				}
				w := g.why(r.header.Get("X-Litellm-Call-Id")).ok()
				if !w.get("keepalive_before_answer").Bool() || w.get("error_kind").String() == "" {
					t.Errorf("why: %s", w.body)
				}
			})
		}
	})
}

func TestAStreamOfATaskThatBreaksOffEndsWithAnError(t *testing.T) {
	up := halted(t, halt{contentType: "text/event-stream", begins: taskBegins, breaks: true})
	g := start(t, modelList(noRetries, up.model("m", "openai/x")))
	up.goOn()
	r := g.json("/v1/images/generations", taskStreams[0].body)
	if !strings.HasPrefix(r.body, taskBegins+`data: {"error":{"message":"`) || !strings.HasSuffix(r.body, "data: [DONE]\n\n") {
		t.Errorf("%q", r.body)
	}
}

func TestAWholeAnswerToWhoWantedEventsStaysWhatItIs(t *testing.T) {
	everyTaskStream(t, func(t *testing.T, s taskStream) {
		up := upstreamWith(t, map[string][]cannedAnswer{s.path: {{200, s.contentType, s.answer, nil}}})
		g := start(t, modelList(noRetries, up.model("m", "openai/x", "/v1")))
		contentType, body := s.request(t)
		if r := g.call("POST", s.path, contentType, body); r.body != s.answer || r.header.Get("Content-Type") != s.contentType {
			t.Errorf("%d %v %q", r.status, r.header, r.body)
		}
	})
}

// passedStreams are the routes that pass a vendor's own stream through, with the keepalive
// of each.
var passedStreams = []struct{ path, ping string }{
	{"/openai/v1/chat/completions", comment},
	{"/openai_passthrough/v1/responses", comment},
	{"/mistral/v1/chat/completions", comment},
	{"/anthropic/v1/messages", anthropicPing},
	{"/gemini/v1beta/models/gemini-x:streamGenerateContent?alt=sse", "\n"},
	{"/own/stream", comment},
}

func TestStreamsThatPassThroughAreKeptAliveBetweenTheirEvents(t *testing.T) {
	for _, tt := range passedStreams {
		for name, stream := range map[string][2]string{
			"with line feeds": {"event: a\ndata: {\"model\":\"x\"}\n\n", "data: 2\n\n"}, "with both": {"data: {\"n\":1}\r\n\r\n", "data: 2\r\n\r\n"},
		} {
			t.Run(tt.path+" "+name, func(t *testing.T) {
				up := halted(t, halt{contentType: "text/event-stream", begins: stream[0], ends: stream[1]})
				g := start(t, `general_settings: {pass_through_endpoints: [{path: /own, target: "`+up.url+`", include_subpath: true}]}
fairlead_settings: {ping_interval: 0.005}
model_list:
`+up.model("m", "mistral/x"),
					"OPENAI_API_KEY", "sk-o", "OPENAI_API_BASE", up.url+"/v1", "ANTHROPIC_API_KEY", "sk-a", "ANTHROPIC_API_BASE", up.url, "GEMINI_API_KEY", "sk-g", "GEMINI_API_BASE", up.url+"/v1beta")
				r := up.pingedAfter(t, g, stream[0], tt.ping, tt.path, "application/json", `{"model":"claude-x"}`)
				if got := linesOf(r.body, tt.ping); !slices.Equal(got, linesOf(stream[0]+stream[1], tt.ping)) || r.status != 200 {
					t.Errorf("%d %q", r.status, r.body)
				}
			})
		}
	}
}

func TestEventsOfWhatIsOwnedAreKeptAlive(t *testing.T) {
	up := halted(t, halt{contentType: "text/event-stream", begins: "data: 1\n\n", ends: "data: 2\n\n"})
	g := start(t, modelList(impatient, up.model("m", "openai/x")))
	r := up.pingedAfter(t, g, up.begins, comment, "/v1/fine_tuning/jobs/ftjob-1/events?stream=true", "", "")
	if got := linesOf(r.body, comment); !slices.Equal(got, linesOf(up.begins+up.ends, comment)) || r.status != 200 {
		t.Errorf("%d %q", r.status, r.body)
	}
}

func TestStreamsOfVertexAIAreKeptAliveInTheFormOfTheirPublisher(t *testing.T) {
	for path, ping := range map[string]string{
		"/vertex_ai/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse":       "\n",
		"/vertex_ai/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict":       anthropicPing,
		"/vertex_ai/v1/projects/p/locations/l/publishers/anthropic/models/claude:streamRawPredict": anthropicPing,
	} {
		v := testkit.NewVertex(t)
		up := halted(t, halt{contentType: "text/event-stream", begins: "event: a\ndata: 1\n\n", ends: "data: 2\n\n"})
		g := start(t, "fairlead_settings: {ping_interval: 0.005}\nmodel_list: []\ndefault_vertex_config: {vertex_project: our-project, vertex_location: europe-west4, vertex_credentials: os.environ/CREDS}\n",
			"CREDS", v.Credentials(), "VERTEXAI_API_BASE", up.url)
		r := up.pingedAfter(t, g, up.begins, ping, path, "application/json", `{}`)
		if got := linesOf(r.body, ping); !slices.Equal(got, linesOf(up.begins+up.ends, ping)) || r.status != 200 {
			t.Errorf("%s: %d %q", path, r.status, r.body)
		}
	}
}
