package gemini

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// huge is a history that no client sends by mistake and that must not cost more than
// its length: work that grows with its square does not end within the test.
const huge = 100_000

// answered is a conversation of n calls in one message and their results in the order
// that at says.
func answered(n int, at func(int) int) *llm.Request {
	calls := make([]llm.Part, n)
	msgs := make([]llm.Message, 0, n+2)
	for i := range calls {
		calls[i] = call("call"+strconv.Itoa(i), "f"+strconv.Itoa(i), "{}")
	}
	msgs = append(msgs, user("hi"), assistant(calls...))
	for i := range n {
		msgs = append(msgs, result("call"+strconv.Itoa(at(i)), "r"+strconv.Itoa(at(i))))
	}
	return request(msgs...)
}

func TestHundredThousandCallsFindTheirResultsInAnyOrder(t *testing.T) {
	for name, at := range map[string]func(int) int{
		"in order": func(i int) int { return i }, "reversed": func(i int) int { return huge - 1 - i },
	} {
		c := encode(t, answered(huge, at), target(g3))
		want := `{"functionResponse":{"id":"call777","name":"f777","response":{"content":"r777"}}}`
		if len(c.Dropped) != 0 || !strings.Contains(string(c.Body), want) {
			t.Errorf("%s: no %s, dropped %v", name, want, c.Dropped)
		}
	}
}

// TestIndexOfCallsFindsWhatLookingAtEachFinds pairs the same results with a few calls,
// which are looked at one by one, and with many, of which those before are answered.
func TestIndexOfCallsFindsWhatLookingAtEachFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for round := range 300 {
		var calls []*llm.ToolCall
		for range 1 + r.IntN(fewCalls) {
			calls = append(calls, &llm.ToolCall{ID: pick("", "a", "b", "longenough", "longenough2"), Name: pick("f", "g")})
		}
		var results []*llm.ToolResult
		for i := range r.IntN(2 * fewCalls) {
			results = append(results, &llm.ToolResult{CallID: pick("", "a", "c", "longenough1"), Name: pick("", "f", "h"), Parts: []llm.Part{text(strconv.Itoa(i))}})
		}
		few, fewOrphans := pair(calls, results)
		many := calls
		for i := range fewCalls { // nobody answers these: they stand behind, and pair asks from the front
			many = append(many[:len(many):len(many)], &llm.ToolCall{ID: "other" + strconv.Itoa(i), Name: "other"})
		}
		answers, _ := pair(many, results)
		for i := range few {
			if few[i].result != answers[i].result {
				t.Fatalf("round %d: call %d of %d gets %+v, want %+v", round, i, len(calls), answers[i].result, few[i].result)
			}
		}
		if len(fewOrphans) > len(results) {
			t.Fatal("more orphans than results")
		}
	}
}

func TestHugeHistoriesOfOtherShapesAreEncoded(t *testing.T) {
	repeat := func(group ...llm.Message) []llm.Message {
		var out []llm.Message
		for range huge {
			out = append(out, group...)
		}
		return out
	}
	named := user("x")
	var speakers []llm.Message
	for i := range huge {
		named.Name = "n" + strconv.Itoa(i)
		speakers = append(speakers, named)
	}
	signed := assistant(signedTextPart("t", sigOf("t")))
	for name, msgs := range map[string][]llm.Message{
		"answers without a question":       repeat(assistant(text("a"))),
		"signed answers, then a call":      append(repeat(signed), assistant(call("1", "f", "{}"))),
		"calls of one message each":        repeat(assistant(call("1", "f", "{}"))),
		"results without calls":            repeat(result("nobody", "r")),
		"speakers":                         speakers,
		"calls whose ids were cut in part": cutIDs(),
	} {
		c := encode(t, request(append([]llm.Message{user("hi")}, msgs...)...), target(g3))
		if len(c.Body) < huge || len(c.Dropped) > maxDrops {
			t.Errorf("%s: %d bytes, %d drops", name, len(c.Body), len(c.Dropped))
		}
	}
}

// cutIDs are calls and results whose ids are similar but never the same.
func cutIDs() []llm.Message {
	var calls []llm.Part
	msgs := []llm.Message{{}}
	for i := range huge {
		calls = append(calls, call("call_long_"+strconv.Itoa(i)+"x", "f", "{}"))
		msgs = append(msgs, result("call_long_"+strconv.Itoa(i)+"y", "r"))
	}
	msgs[0] = assistant(calls...)
	return msgs
}

func TestHundredThousandToolsAreDeclaredOnceEach(t *testing.T) {
	req := request(user("hi"))
	for i := range huge {
		name := strings.Repeat("x", maxName) + strconv.Itoa(i/2) // all are cut to the same
		req.Tools = append(req.Tools, llm.ToolDef{Type: "function", Name: name})
	}
	c := encode(t, req, target(g3))
	if n := strings.Count(string(c.Body), `{"name":"x`); n != huge/2 || len(c.Names) != huge/2 || len(c.Dropped) != maxDrops {
		t.Errorf("%d tools, %d names, %d drops", n, len(c.Names), len(c.Dropped))
	}
}

func TestFreeNamesAreFoundInOneTryEach(t *testing.T) {
	n := toolNames{up: map[string]string{}, back: map[string]string{}}
	for i := range 1000 {
		n.rename(strings.Repeat("é", 200) + strconv.Itoa(i))
	}
	for stem, next := range n.tried {
		if next != 1001 {
			t.Errorf("%s goes on at %d", stem, next)
		}
	}
	if len(n.back) != 1000 || len(n.tried) != 1 {
		t.Errorf("%d names, %d stems", len(n.back), len(n.tried))
	}
}

func TestSchemasOfARequestShareOneBound(t *testing.T) {
	// Each schema doubles itself through its definitions, up to the bound of one schema.
	schema := rawjson.Value(`{"type":"object","$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}]},` +
		`"b":{"description":"` + strings.Repeat("x", 1<<20) + `"}},"properties":{"p":{"$ref":"#/$defs/a"}}}`)
	e := encoder{req: request(user("hi")), t: target("gemini-2.0-flash"), model: modelOf("gemini-2.0-flash")}
	var err error
	done := 0
	for ; done < 100 && err == nil; done++ {
		_, err = e.schema(schema, toolPlace(done))
	}
	if done < 2 || err == nil || e.parsed > 2*maxParsedBytes {
		t.Errorf("%d schemas, parsed %d bytes: %v", done, e.parsed, err)
	}
}

func TestOffsetsAreCountedInCharacters(t *testing.T) {
	text := strings.Repeat("aé€😀", 3*stretch)
	c := counted{text: text}
	for at := range len(text) + 1 {
		want := int64(0)
		for i := range text {
			if i < at {
				want++
			}
		}
		if at%97 != 0 && at%stretch != 0 {
			continue
		}
		if got := c.characters(rawjson.Value(strconv.Itoa(at))); got != want {
			t.Fatalf("byte %d is character %d, want %d", at, got, want)
		}
	}
	for offset, want := range map[string]int64{"-1": 0, "null": 0, "999999999": int64(len([]rune(text)))} {
		if got := c.characters(rawjson.Value(offset)); got != want {
			t.Errorf("%s is character %d, want %d", offset, got, want)
		}
	}
	if empty := (&counted{}).characters(rawjson.Value("5")); empty != 0 {
		t.Errorf("%d characters of nothing", empty)
	}
}

func BenchmarkCallsInReverse(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			req, tg := answered(n, func(i int) int { return n - 1 - i }), target(g3)
			for b.Loop() {
				if _, err := (Wire{}).Encode(req, tg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/call")
		})
	}
}

func TestExtraBodyThatWouldTakeTheSquareOfItsLengthIsRefused(t *testing.T) {
	many := func(form string) string {
		var b strings.Builder
		for i := range huge {
			b.WriteString("," + strings.ReplaceAll(form, "#", strconv.Itoa(i)))
		}
		return "{" + b.String()[1:] + "}"
	}
	plain := many(`"k#":1`)
	for name, params := range map[string][]llm.Param{
		"extra_body":     {param("extra_body", plain)},
		"google":         {param("extra_body", `{"google":`+plain+`}`)},
		"labels":         {param("extra_body", `{"labels":{},"labels":`+plain+`}`)},
		"thinkingConfig": {param("extra_body", `{"generationConfig":{},"generationConfig":{"thinkingConfig":`+plain+`}}`)},
		"generation":     {param("temperature", "1"), param("generation_config", plain)},
	} {
		if e := refuse(t, withParams(params...), target(g25)); !strings.Contains(e.Message, "1024 members") {
			t.Errorf("%s: %s", name, e.Message)
		}
	}
	again := `{"a":1` + strings.Repeat(`,"generationConfig":{"b":1}`, huge) + `}`
	if e := refuse(t, withParams(param("extra_body", again)), target(g25)); e.Param != "extra_body" {
		t.Errorf("%+v", e)
	}
}

func TestExtraBodyAsLongAsARequestMayBeIsMerged(t *testing.T) {
	var b strings.Builder
	for i := range rawjson.MaxKeys {
		b.WriteString(`,"k` + strconv.Itoa(i) + `":1`)
	}
	c := encode(t, withParams(param("extra_body", "{"+b.String()[1:]+"}")), target(g25))
	if at(t, c, "k1023") != 1.0 {
		t.Error("a member is lost")
	}
}
