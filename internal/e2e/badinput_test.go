package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// nested is JSON that opens ten thousand lists.
var nested = strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)

// spoil changes a good body of a dialect into a bad one. A bad body is answered with
// one of the statuses; 200 means that being kind is right.
type spoil struct {
	name     string
	body     func(d dialect, good string) string
	statuses []int
}

var spoils = []spoil{
	{"not JSON", func(dialect, string) string { return `{"model":` }, []int{400}},
	{"no object", func(dialect, string) string { return `["model"]` }, []int{400}},
	{"a bare word", func(dialect, string) string { return `hello` }, []int{400}},
	{"JSON and more", func(_ dialect, good string) string { return good + `{}` }, []int{400}},
	{"duplicate keys", func(_ dialect, good string) string { return `{"stream":false,"stream":true,` + good[1:] }, []int{400}},
	{"duplicate content", func(d dialect, good string) string { return `{` + quote(d.turnsKey()) + `:[],` + good[1:] }, []int{400}},
	{"a key in another case", func(d dialect, good string) string {
		return strings.Replace(good, quote(d.turnsKey()), quote(strings.ToUpper(d.turnsKey()[:1])+d.turnsKey()[1:]), 1)
	}, []int{400}},
	{"both cases of a key", func(_ dialect, good string) string { return `{"Model":"gpt-none",` + good[1:] }, []int{200, 400}},
	{"invalid UTF-8", func(_ dialect, good string) string { return strings.Replace(good, "hello", "h\xff\xfe", 1) }, []int{400}},
	{"a lone surrogate", func(_ dialect, good string) string { return strings.Replace(good, "hello", `\ud800`, 1) }, []int{200, 400}},
	{"deep nesting", func(_ dialect, good string) string { return `{"metadata":` + nested + `,` + good[1:] }, []int{400}},
	{"deep content", func(d dialect, good string) string { return with(good, d.turnsKey(), nested) }, []int{400}},
	{"turns of the wrong type", func(d dialect, good string) string { return with(good, d.turnsKey(), `7`) }, []int{400}},
	{"a turn of the wrong type", func(d dialect, good string) string { return with(good, d.turnsKey(), `[7]`) }, []int{400}},
	{"no turns", func(d dialect, good string) string { return with(good, d.turnsKey(), `[]`) }, []int{200, 400}},
	{"turns are null", func(d dialect, good string) string { return with(good, d.turnsKey(), `null`) }, []int{400}},
	{"no turns at all", func(d dialect, good string) string { return without(good, d.turnsKey()) }, []int{400}},
	{"tools of the wrong type", func(_ dialect, good string) string { return with(good, "tools", `{"a":1}`) }, []int{200, 400}},
	{"tools hold numbers", func(_ dialect, good string) string { return with(good, "tools", `[1,"a",null]`) }, []int{200, 400}},
	{"an unknown role", func(d dialect, good string) string {
		return strings.Replace(good, `"role":"user"`, `"role":"oracle"`, 1)
	}, []int{400}},
	{"a role of the wrong type", func(d dialect, good string) string {
		return strings.Replace(good, `"role":"user"`, `"role":{"a":1}`, 1)
	}, []int{400}},
	{"an unknown member", func(_ dialect, good string) string { return with(good, "made_up", `{"a":[1]}`) }, []int{200, 400}},
	{"nothing", func(dialect, string) string { return "" }, []int{400}},
}

// turnsKey is the member that holds the conversation.
func (d dialect) turnsKey() string {
	return map[string]string{"responses": "input", "gemini": "contents"}[d.name] + map[string]string{"chat": "messages", "messages": "messages"}[d.name]
}

func TestBadInputIsAnsweredInTheDialectsOwnShape(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		s := newSite(t)
		s.everyUpstream(t, func(t *testing.T, u upstream, _ *testkit.Fake) {
			for _, c := range spoils {
				t.Run(c.name, func(t *testing.T) {
					s.gateway.t = t
					q := ask(u.name, "hello")
					s.judge(t, d, q, c.body(d, d.body(q)), c.statuses)
				})
			}
		})
	})
}

// judge sends a body and holds the answer to the dialect's error shape and to one of
// the statuses.
func (s site) judge(t *testing.T, d dialect, q question, body string, statuses []int) {
	t.Helper()
	r := s.send(http.MethodPost, d.path(q), body, "Content-Type", "application/json")
	found := false
	for _, status := range statuses {
		found = found || r.status == status
	}
	if !found {
		t.Errorf("status %d, want one of %v: %.300s", r.status, statuses, r.body)
	}
	if r.status == http.StatusOK {
		return
	}
	f := d.failed(t, r.body)
	if want := d.kinds[r.status]; f.message == "" || want != "" && f.kind != want {
		t.Errorf("status %d is %+v, want the kind %q", r.status, f, want)
	}
}

// TestOrphansAreRepairedOrTheClientsMistake: results without calls and calls without results
// are answered, or refused as the client's mistake; never with a 5xx.
func TestOrphansAreRepairedOrTheClientsMistake(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		s := newSite(t)
		s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
			q := ask(u.name, askParis).withTools()
			first := d.get(t, s.gateway, q)
			stray := toolResult{"call_nobody", "weather", "sun"}
			conversations := map[string]question{
				"a result without a call":  {model: u.name, tools: true, turns: []turn{{text: "hi"}, {results: []toolResult{stray}}}},
				"a result at the start":    {model: u.name, tools: true, turns: []turn{{results: []toolResult{stray}}, {text: "hi"}}},
				"one result too many":      q.then(first.kept, append(first.answers(), stray)...),
				"the same result twice":    q.then(first.kept, append(first.answers(), first.answers()...)...),
				"a call without a result":  {model: u.name, tools: true, turns: []turn{{text: askParis}, {kept: first.kept}, {text: "never mind"}}},
				"a call at the very end":   {model: u.name, tools: true, turns: []turn{{text: askParis}, {kept: first.kept}}},
				"results without the tool": {model: u.name, turns: q.then(first.kept, first.answers()...).turns},
			}
			for name, c := range conversations {
				t.Run(name, func(t *testing.T) {
					s.gateway.t = t
					s.judge(t, d, c, d.body(c), []int{200, 400})
				})
			}
		})
	})
}

func TestUnknownModelsAndWrongKeysInEveryShape(t *testing.T) {
	const master = "sk-master-key-of-this-test"
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries+"\ngeneral_settings: {master_key: "+master+"}\nfairlead_settings: {max_body_mb: 1}", deployment("m", "openai/gpt-4o", f)))
	everyDialect(t, func(t *testing.T, d dialect) {
		g.t = t
		bothWays(t, func(t *testing.T, stream bool) {
			q := ask("m", "hi").streaming(stream)
			for _, pairs := range [][]string{nil, {"Authorization", "Bearer sk-wrong"}, {"x-api-key", "sk-wrong"}, {"x-goog-api-key", "sk-wrong"}} {
				if r := d.say(g, q, pairs...); r.status != http.StatusUnauthorized || d.kinds[401] != d.failed(t, r.body).kind && d.name != "chat" && d.name != "responses" {
					t.Errorf("a wrong key: %d %s", r.status, r.body)
				} else if strings.Contains(r.body, "sk-wrong") {
					t.Errorf("the key is shown: %s", r.body)
				}
			}
			for _, header := range []string{"Authorization", "x-api-key", "x-goog-api-key"} {
				value := master
				if header == "Authorization" {
					value = "Bearer " + master
				}
				d.say(g, q, header, value).ok()
			}
			unknown := d.say(g, ask("nope", "hi").streaming(stream), "x-api-key", master)
			if want := d.failed(t, unknown.body); unknown.status != 400 && unknown.status != 404 || d.kinds[unknown.status] != "" && want.kind != d.kinds[unknown.status] || !strings.Contains(want.message, "nope") {
				t.Errorf("an unknown model: %d %s", unknown.status, unknown.body)
			}
			large := d.say(g, ask("m", strings.Repeat("x", 1<<20)).streaming(stream), "x-api-key", master)
			if want := d.failed(t, large.body); large.status != http.StatusRequestEntityTooLarge || d.kinds[413] != "" && want.kind != d.kinds[413] {
				t.Errorf("a large body: %d %s", large.status, large.body)
			}
		})
	})
}

// pictured is a question with an image at an address.
func (d dialect) pictured(q question, address string) string {
	url := quote(address)
	switch d.name {
	case "messages":
		return with(d.body(q), "messages.0.content", `[{"type":"image","source":{"type":"url","url":`+url+`}}]`)
	case "responses":
		return with(d.body(q), "input.0.content", `[{"type":"input_image","image_url":`+url+`}]`)
	case "gemini":
		return with(d.body(q), "contents.0.parts", `[{"fileData":{"mimeType":"image/png","fileUri":`+url+`}}]`)
	}
	return with(d.body(q), "messages.0.content", `[{"type":"image_url","image_url":{"url":`+url+`}}]`)
}

func TestAnImageAtAnAddressThatIsNotOfTheWebIsTheClientsMistake(t *testing.T) {
	own := map[string]string{"chat": "openai compatible", "messages": "anthropic", "responses": "openai", "gemini": "gemini"}
	everyDialect(t, func(t *testing.T, d dialect) {
		s := newSite(t)
		for _, upstream := range []string{"gemini", "anthropic", "openai", "compatible"} {
			if strings.Contains(own[d.name], upstream) {
				continue // the bytes pass, and the provider says what it thinks of them
			}
			for _, address := range []string{"file:///etc/passwd", "FILE:///etc/passwd", "ftp://example.com/a.png", "s3://bucket/a.png", "javascript:1"} {
				s.gateway.t = t
				q := ask(upstream, "hello")
				s.judge(t, d, q, d.pictured(q, address), []int{400})
			}
			for _, r := range s.fakes[upstream].Requests() {
				if !strings.HasSuffix(r.Path, "/responses") { // whether it speaks them is asked once
					t.Errorf("%s got %s %s", upstream, r.Path, r.Body)
				}
			}
		}
		for _, upstream := range []string{"gemini", "anthropic"} {
			for _, address := range []string{"data:text/plain,hello", "/etc/passwd", "http:///a.png"} {
				if d.name == "gemini" && upstream == "gemini" {
					continue
				}
				s.gateway.t = t
				q := ask(upstream, "hello")
				s.judge(t, d, q, d.pictured(q, address), []int{400})
			}
		}
	})
}
