package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// dialectSets are a dialect's names for what every format can say.
var dialectSets = map[string]map[string]string{
	"chat":      {"limit": "max_tokens", "temperature": "temperature", "stop": "stop"},
	"messages":  {"limit": "max_tokens", "temperature": "temperature", "stop": "stop_sequences"},
	"responses": {"limit": "max_output_tokens", "temperature": "temperature"},
	"gemini":    {"limit": "generationConfig.maxOutputTokens", "temperature": "generationConfig.temperature", "stop": "generationConfig.stopSequences"},
}

// upstreamSets are the upstreams' names for the same.
var upstreamSets = map[string]map[string]string{
	"compatible": dialectSets["chat"], "deepseek": dialectSets["chat"], "deepseek-messages": dialectSets["messages"],
	"anthropic": dialectSets["messages"], "gemini": dialectSets["gemini"],
}

func TestMatrixSettingsArriveUnderTheProvidersNames(t *testing.T) {
	values := map[string]string{"limit": "77", "temperature": "0.5", "stop": `["END"]`}
	matrix(t, func(p pair) {
		body := p.d.body(p.ask("hi"))
		for name, path := range dialectSets[p.d.name] {
			body = with(body, path, values[name])
		}
		if p.u.name == "openai" {
			body = without(body, dialectSets[p.d.name]["temperature"]) // reasoning models take none
		}
		r := p.g.send(http.MethodPost, p.d.path(p.ask("")), body).ok()
		p.d.read(p.t, p.ask(""), r)
		sent := p.fake.Last(p.t)
		for name, path := range upstreamSets[p.u.name] {
			if strings.HasPrefix(sent.Path, "/anthropic/") {
				path = dialectSets["messages"][name]
			} else if p.u.name == "deepseek-messages" {
				path = dialectSets["chat"][name]
			}
			if _, said := dialectSets[p.d.name][name]; !said {
				continue
			}
			if got := gjson.GetBytes(sent.Body, path); compact(got.Raw) != values[name] && !(name == "limit" && gjson.GetBytes(sent.Body, "max_completion_tokens").Raw == "77") {
				p.t.Errorf("%s is %s in %s", path, got.Raw, sent.Body)
			}
		}
		unrefused(p.t, p.fake)
	})
}

// dialectChoices are each dialect's ways to demand a tool: any, and the one named
// clock, and none.
var dialectChoices = map[string][3][2]string{
	"chat":      {{"tool_choice", `"required"`}, {"tool_choice", `{"type":"function","function":{"name":"clock"}}`}, {"tool_choice", `"none"`}},
	"messages":  {{"tool_choice", `{"type":"any"}`}, {"tool_choice", `{"type":"tool","name":"clock"}`}, {"tool_choice", `{"type":"none"}`}},
	"responses": {{"tool_choice", `"required"`}, {"tool_choice", `{"type":"function","name":"clock"}`}, {"tool_choice", `"none"`}},
	"gemini": {
		{"toolConfig", `{"functionCallingConfig":{"mode":"ANY"}}`},
		{"toolConfig", `{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["clock"]}}`},
		{"toolConfig", `{"functionCallingConfig":{"mode":"NONE"}}`},
	},
}

func TestMatrixToolChoice(t *testing.T) {
	matrix(t, func(p pair) {
		q := p.ask("hi").withTools()
		for i, want := range []string{"weather", "clock", ""} {
			choice := dialectChoices[p.d.name][i]
			r := p.g.send(http.MethodPost, p.d.path(q), with(p.d.body(q), choice[0], choice[1])).ok()
			got := ""
			for _, c := range p.d.read(p.t, q, r).calls {
				got += c.name
			}
			if got != want {
				p.t.Errorf("%s calls %q, want %q; sent %s", choice[1], got, want, p.fake.Last(p.t).Body)
			}
		}
		unrefused(p.t, p.fake)
	})
}

// dialectSystem adds a system prompt to a body.
var dialectSystem = map[string]func(body string) string{
	"chat": func(b string) string {
		return with(b, "messages", `[{"role":"system","content":"Speak softly."},`+strings.TrimPrefix(gjson.Get(b, "messages").Raw, "["))
	},
	"messages":  func(b string) string { return with(b, "system", `[{"type":"text","text":"Speak softly."}]`) },
	"responses": func(b string) string { return with(b, "instructions", `"Speak softly."`) },
	"gemini":    func(b string) string { return with(b, "systemInstruction", `{"parts":[{"text":"Speak softly."}]}`) },
}

func TestMatrixSystemPromptAndHistoryArrive(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		for _, u := range upstreams {
			t.Run(u.name, func(t *testing.T) {
				script := func(tn *testkit.Turn) testkit.Reply { return testkit.Reply{Text: tn.System + " " + tn.User} }
				f := u.fake(t, append([]testkit.Option{testkit.WithScript(script)}, u.options...)...)
				g := start(t, modelList(noRetries, deployment("m", u.model, f)))
				q := ask("m", "one")
				first := d.get(t, g, q)
				q.turns = append(q.turns, turn{kept: first.kept}, turn{text: "two"})
				last := d.whole(t, g.send(http.MethodPost, d.path(q), dialectSystem[d.name](d.body(q))).ok().body)
				if last.text != "Speak softly. two" {
					t.Errorf("answer %+v", last)
				}
				if body := string(f.Last(t).Body); !strings.Contains(body, `"one"`) || strings.Index(body, `"one"`) > strings.Index(body, `"two"`) {
					t.Errorf("the history is not in %s", body)
				}
				unrefused(t, f)
			})
		}
	})
}

// dialectFile is a PDF of the user's in each dialect.
var dialectFile = map[string]string{
	"chat":      `{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQK"}}`,
	"messages":  `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQK"}}`,
	"responses": `{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQK"}`,
	"gemini":    `{"inlineData":{"mimeType":"application/pdf","data":"JVBERi0xLjQK"}}`,
}

// lastContent is the path of the parts of the user's turn.
var lastContent = map[string]string{"chat": "messages.0.content", "messages": "messages.0.content", "responses": "input.0.content", "gemini": "contents.0.parts"}

func TestMatrixFilesArrive(t *testing.T) {
	matrix(t, func(p pair) {
		if p.u.name == "deepseek" || p.u.name == "deepseek-messages" {
			return // its models read no files
		}
		q := p.ask("")
		q.turns = []turn{{text: speech, image: true}}
		body := with(p.d.body(q), lastContent[p.d.name]+".1", dialectFile[p.d.name])
		r := p.g.send(http.MethodPost, p.d.path(q), body).ok()
		if a := p.d.read(p.t, q, r); a.text != "one two three four five six seven" {
			p.t.Errorf("answer %+v", a)
		}
		if sent := string(p.fake.Last(p.t).Body); !strings.Contains(sent, "JVBERi0xLjQK") || !strings.Contains(sent, "application/pdf") {
			p.t.Errorf("the file is not in %s", sent)
		}
		unrefused(p.t, p.fake)
	})
}

// picture writes the result of a call with a text and an image, per dialect.
var picture = map[string]func(r toolResult) turn{
	"chat": func(r toolResult) turn {
		return turn{kept: `{"role":"tool","tool_call_id":` + quote(r.id) + `,"content":[{"type":"text","text":"sun"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + onePixel + `"}}]}`}
	},
	"messages": func(r toolResult) turn {
		return turn{kept: `{"role":"user","content":[{"type":"tool_result","tool_use_id":` + quote(r.id) + `,"content":[{"type":"text","text":"sun"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + onePixel + `"}}]}]}`}
	},
	"responses": func(r toolResult) turn {
		return turn{kept: `{"type":"function_call_output","call_id":` + quote(r.id) + `,"output":[{"type":"input_text","text":"sun"},{"type":"input_image","image_url":"data:image/png;base64,` + onePixel + `"}]}`}
	},
	"gemini": func(r toolResult) turn {
		resp := `{"functionResponse":{"name":"weather","response":{"output":"sun"},"parts":[{"inlineData":{"mimeType":"image/png","data":"` + onePixel + `"}}]}}`
		if r.id != "" {
			resp = with(resp, "functionResponse.id", quote(r.id))
		}
		return turn{kept: `{"role":"user","parts":[` + resp + `]}`}
	},
}

func TestMatrixPicturesInToolResultsArrive(t *testing.T) {
	matrix(t, func(p pair) {
		if p.d.name == "chat" && (p.u.name == "openai" || p.u.name == "compatible") {
			return // OpenAI's own format has no place for it, and the bytes pass
		}
		q := p.ask(askParis).withTools()
		if p.u.image != "" {
			q.model += "-sees"
		}
		first := p.get(q)
		q.turns = append(q.turns, turn{kept: first.kept}, picture[p.d.name](first.answers()[0]))
		p.get(q)
		if sent := string(p.fake.Last(p.t).Body); !strings.Contains(sent, onePixel) || !strings.Contains(sent, "sun") {
			p.t.Errorf("the result is not whole in %s", sent)
		}
		unrefused(p.t, p.fake)
	})
}

// TestMatrixErrorAsTheFirstEvent: a provider that says 200 and then fails has failed
// before the answer began.
func TestMatrixErrorAsTheFirstEvent(t *testing.T) {
	matrix(t, func(p pair) {
		if !p.stream {
			return
		}
		p.fake.Inject(testkit.ErrorAfterEvents(0, 503))
		r := p.d.say(p.g.gateway, p.ask("hi"))
		if f := p.d.failed(p.t, r.body); r.status < 500 || f.message == "" || r.status != http.StatusInternalServerError && r.status != 503 && r.status != 529 {
			p.t.Errorf("%d %s", r.status, r.body)
		}
	})
}

// overflows are the words in which the providers say that a prompt is too long.
var overflows = map[string]string{
	"openai":            `{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
	"anthropic":         `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 210000 tokens > 200000 maximum"}}`,
	"gemini":            `{"error":{"code":400,"message":"The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}`,
	"deepseek":          `{"error":{"message":"This model's maximum context length is 131072 tokens. However, you requested 140000 tokens. Please reduce the length of the messages or completion.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`,
	"compatible":        `{"error":{"message":"This model's maximum context length is 4096 tokens, however you requested 5000 tokens.","type":"BadRequestError","code":400}}`,
	"deepseek-messages": `{"error":{"message":"This model's maximum context length is 131072 tokens. However, you requested 140000 tokens.","type":"invalid_request_error"}}`,
}

// TestAPromptThatIsTooLongMakesClientsCompact: Claude Code looks for the words.
func TestAPromptThatIsTooLongMakesClientsCompact(t *testing.T) {
	matrix(t, func(p pair) {
		p.fake.Inject(testkit.FailWith(400, overflows[p.u.name]))
		r := p.d.say(p.g.gateway, p.ask("hi"))
		f := p.d.failed(p.t, r.body)
		if r.status != http.StatusBadRequest {
			p.t.Errorf("status %d: %s", r.status, r.body)
		}
		if p.d.name == "messages" && !strings.Contains(f.message, "prompt is too long") {
			p.t.Errorf("the words are missing: %s", r.body)
		}
		if low := strings.ToLower(f.message); !strings.Contains(low, "context") && !strings.Contains(low, "too long") && !strings.Contains(low, "token count") {
			p.t.Errorf("the reason is missing: %s", r.body)
		}
	})
}

// TestMatrixFaultyResultsSaySo: a failed tool says so to the model, in the words of
// its provider.
func TestMatrixFaultyResultsSaySo(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		q := ask(u.name, askParis).withTools()
		first := messagesDialect.get(t, s.gateway, q)
		q.turns = append(q.turns, turn{kept: first.kept}, turn{kept: fmt.Sprintf(
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":%s,"is_error":true,"content":"no such city"},{"type":"text","text":"hm"}]}`, quote(first.calls[0].id))})
		messagesDialect.get(t, s.gateway, q)
		sent := string(fake.Last(t).Body)
		if !strings.Contains(sent, `"is_error":true`) && !strings.Contains(sent, "Error: no such city") && !strings.Contains(sent, `"error":"no such city"`) {
			t.Errorf("the failure is not said: %s", sent)
		}
		unrefused(t, fake)
	})
}
