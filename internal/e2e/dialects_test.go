package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// question is a request as every dialect can ask it.
type question struct {
	model  string
	stream bool
	turns  []turn
	// tools offers the two functions of these tests, think asks for thoughts, schema
	// for an answer that follows schemaOfCity.
	tools, think, schema bool
}

// turn is one side's say in a conversation: text (and an image) of the user, an
// answer as the client keeps it, or the results of its calls.
type turn struct {
	text    string
	image   bool
	kept    string
	results []toolResult
}

type toolResult struct{ id, name, text string }

// answer is what a client observes of an answer, whatever its dialect.
type answer struct {
	text, thinking string
	calls          []madeCall
	// finish is "stop", "tools" or "length".
	finish      string
	model       string
	input, used int64
	// kept is the assistant's turn in the dialect's own form, to be sent back.
	kept string
	// failure is set by an error within a stream.
	failure *failure
}

type madeCall struct{ id, name, args string }

// failure is an error in the dialect's own shape.
type failure struct {
	status        int
	kind, message string
}

// dialect drives one client format.
type dialect struct {
	name string
	path func(q question) string
	body func(q question) string
	// whole reads a complete answer, stream the events of one; both fail the test
	// when the format's grammar is broken.
	whole  func(t *testing.T, body string) answer
	stream func(t *testing.T, body string) answer
	// failed reads an error body; kinds are the dialect's kinds by status.
	failed func(t *testing.T, body string) failure
	kinds  map[int]string
	// bare keeps of an assistant's turn what a client with typed messages keeps.
	bare func(kept string) string
}

var dialects = []dialect{chatDialect, messagesDialect, responsesDialect, geminiDialect}

func everyDialect(t *testing.T, f func(t *testing.T, d dialect)) {
	for _, d := range dialects {
		t.Run(d.name, func(t *testing.T) { f(t, d) })
	}
}

const (
	weatherSchema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`
	schemaOfCity  = `{"type":"object","properties":{"city":{"type":"string"},"inhabitants":{"type":"integer"}},"required":["city","inhabitants"],"additionalProperties":false}`
	// onePixel is a PNG.
	onePixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

func ask(model, text string) question { return question{model: model, turns: []turn{{text: text}}} }

// streaming, withTools and the like return the question with one thing more.
func (q question) streaming(s bool) question { q.stream = s; return q }
func (q question) withTools() question       { q.tools = true; return q }
func (q question) thinking() question        { q.think = true; return q }

// then continues the conversation with an answer and the results of its calls.
func (q question) then(kept string, results ...toolResult) question {
	q.turns = append(append([]turn(nil), q.turns...), turn{kept: kept}, turn{results: results})
	return q
}

// answers are the results of calls: what the weather is in each city.
func (a answer) answers() []toolResult {
	var out []toolResult
	for _, c := range a.calls {
		out = append(out, toolResult{c.id, c.name, "sun" + gjson.Get(c.args, "city").String()})
	}
	return out
}

// say asks and returns the raw reply.
func (d dialect) say(g *gateway, q question, pairs ...string) reply {
	g.t.Helper()
	return g.send(http.MethodPost, d.path(q), d.body(q), pairs...)
}

// get asks and reads the answer.
func (d dialect) get(t *testing.T, g *gateway, q question) answer {
	t.Helper()
	r := d.say(g, q)
	if r.status != http.StatusOK {
		t.Fatalf("status %d: %s\nto %s", r.status, r.body, d.body(q))
	}
	return d.read(t, q, r)
}

func (d dialect) read(t *testing.T, q question, r reply) answer {
	t.Helper()
	if !q.stream {
		return d.whole(t, r.body)
	}
	if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, "text/event-stream") {
		t.Errorf("a stream of the type %q", got)
	}
	return d.stream(t, r.body)
}

// joined puts raw JSON values into a list.
func joined(values []string) string { return "[" + strings.Join(values, ",") + "]" }

// frame is one event of a stream as a client reads it.
type frame struct{ event, data string }

// frames cuts a stream into its events; comments are left out.
func frames(t *testing.T, body string) []frame {
	t.Helper()
	if body != "" && !strings.HasSuffix(body, "\n\n") {
		t.Errorf("the stream ends within an event: %q", body[max(0, len(body)-80):])
	}
	var out []frame
	for block := range strings.SplitSeq(body, "\n\n") {
		var fr frame
		for line := range strings.SplitSeq(block, "\n") {
			if v, ok := strings.CutPrefix(line, "event: "); ok {
				fr.event = v
			}
			if v, ok := strings.CutPrefix(line, "data: "); ok {
				fr.data += v
			}
		}
		if fr.data != "" {
			out = append(out, fr)
		}
	}
	return out
}

// upstream is one provider behind the gateway, as the matrix knows it.
type upstream struct {
	name, model string
	// image is a model that sees, "" when model does.
	image   string
	fake    func(testing.TB, ...testkit.Option) *testkit.Fake
	options []testkit.Option
	// thinks says that thoughts are shown, signs that state must come back.
	thinks bool
}

// upstreams are the four families, and the two of them without their second API.
var upstreams = []upstream{
	{name: "openai", model: "openai/gpt-5", fake: testkit.NewOpenAI},
	{name: "compatible", model: "openai/gpt-4o", fake: testkit.NewOpenAI, options: []testkit.Option{testkit.ChatOnly()}},
	{name: "anthropic", model: sonnet, fake: testkit.NewAnthropic, thinks: true},
	{name: "gemini", model: "gemini/gemini-3.1-pro-preview", fake: testkit.NewGemini, thinks: true},
	{name: "deepseek", model: "deepseek/deepseek-v4-flash", image: "deepseek/deepseek-v4-flash-vision-exp", fake: testkit.NewDeepSeek, options: []testkit.Option{testkit.ChatOnly()}, thinks: true},
	{name: "deepseek-messages", model: "deepseek/deepseek-v4-flash", image: "deepseek/deepseek-v4-flash-vision-exp", fake: testkit.NewDeepSeek, thinks: true},
}

// site is a gateway in front of all upstreams.
type site struct {
	*gateway
	fakes map[string]*testkit.Fake
	yaml  string
}

func newSite(t *testing.T) site {
	t.Helper()
	s := site{fakes: map[string]*testkit.Fake{}}
	var rows []string
	for _, u := range upstreams {
		f := u.fake(t, u.options...)
		s.fakes[u.name] = f
		rows = append(rows, deployment(u.name, u.model, f))
		if u.image != "" {
			rows = append(rows, deployment(u.name+"-sees", u.image, f))
		}
	}
	s.yaml = modelList(noRetries+"\nlitellm_settings: {drop_params: true}", rows...)
	s.gateway = start(t, s.yaml)
	return s
}

// everyUpstream runs f for each upstream with an empty record and no faults.
func (s site) everyUpstream(t *testing.T, f func(t *testing.T, u upstream, fake *testkit.Fake)) {
	for _, u := range upstreams {
		t.Run(u.name, func(t *testing.T) {
			fake := s.fakes[u.name]
			fake.Heal()
			fake.Forget()
			f(t, u, fake)
		})
	}
}
