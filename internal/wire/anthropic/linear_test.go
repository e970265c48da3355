package anthropic

import (
	"fmt"
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
func answered(n int, id func(int) string, at func(int) int) *llm.Request {
	calls := make([]llm.Part, n)
	msgs := make([]llm.Message, 0, n+2)
	for i := range calls {
		calls[i] = callPart(id(i), "f", "{}")
	}
	msgs = append(msgs, say(llm.User, "hi"), assistant(calls...))
	for i := range n {
		msgs = append(msgs, result(id(at(i)), "r"+strconv.Itoa(at(i))))
	}
	return request(params("max_tokens", "9"), msgs...)
}

func eachOwn(i int) string { return "c" + strconv.Itoa(i) }

func TestHundredThousandCallsFindTheirResultsInAnyOrder(t *testing.T) {
	for name, at := range map[string]func(int) int{
		"in order": func(i int) int { return i }, "reversed": func(i int) int { return huge - 1 - i },
	} {
		call := encode(t, answered(huge, eachOwn, at), target(legacyModel))
		if len(call.Dropped) != 0 {
			t.Fatalf("%s: dropped %v", name, call.Dropped[0])
		}
		want := `{"type":"tool_result","tool_use_id":"c777","content":"r777"`
		if !strings.Contains(string(call.Body), want) {
			t.Errorf("%s: no %s", name, want)
		}
	}
}

func TestCallsThatShareAnIDGetIDsOfTheirOwnInOneTryEach(t *testing.T) {
	tries := 0
	used := map[string]bool{}
	var c counters
	const n = 10_000
	for i := range n {
		shared := strings.Repeat("x", 130) + strconv.Itoa(i%7)
		name := c.unique(shared, func(s string) bool { tries++; return !used[s] })
		if used[name] {
			t.Fatalf("%s twice", name)
		}
		used[name] = true
	}
	if tries > 3*n {
		t.Errorf("%d tries for %d names", tries, n)
	}
	call := encode(t, answered(huge, func(int) string { return "same" }, func(i int) int { return i }), target(legacyModel))
	if len(call.Dropped) != 0 || !strings.Contains(string(call.Body), `"tool_use_id":"same_`+strconv.Itoa(huge)+`"`) {
		t.Errorf("dropped %v", call.Dropped)
	}
}

// TestIndexOfCallsFindsWhatLookingAtEachFinds pairs the same results once by looking
// at every call and once by the index.
func TestIndexOfCallsFindsWhatLookingAtEachFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for round := range 200 {
		calls := make([]pending, fewCalls+1+r.IntN(20))
		for i := range calls {
			calls[i] = pending{client: pick("", "a", "b", "c"), name: pick("f", "g", "h"), block: -1}
		}
		plain := append([]pending(nil), calls...)
		var q queues
		q.fill(calls)
		for step := range 60 {
			res := &llm.ToolResult{CallID: pick("", "", "a", "b", "d"), Name: pick("", "f", "g", "x")}
			want := noCall
			for i := range plain {
				if plain[i].block < 0 && plain[i].fits(res) {
					want = i
					break
				}
			}
			got := q.next(calls, res)
			if got != want {
				t.Fatalf("round %d, step %d: %+v goes to %d, want %d", round, step, res, got, want)
			}
			if got != noCall {
				plain[got].block, calls[got].block = step, step
			}
		}
	}
}

func TestHugeHistoriesOfOtherShapesAreEncoded(t *testing.T) {
	between := func(middle ...llm.Message) *llm.Request {
		return request(params("max_tokens", "9"), append([]llm.Message{say(llm.User, "hi")}, middle...)...)
	}
	repeat := func(group ...llm.Message) []llm.Message {
		var out []llm.Message
		for range huge {
			out = append(out, group...)
		}
		return out
	}
	marked := say(llm.User, "x")
	marked.CacheControl = rawjson.Value(`{"type":"ephemeral"}`)
	server := make([]llm.Part, 0, 2*huge)
	for i := range huge {
		id := "srvtoolu_" + strconv.Itoa(i)
		raw := rawjson.Value(`{"type":"web_search_tool_result","tool_use_id":"` + id + `","content":[]}`)
		server = append(server, callPart(id, "web_search", "{}"), llm.Part{Kind: llm.PartUnknown, Raw: raw})
	}
	for name, msgs := range map[string][]llm.Message{
		"system messages before the user's":   append(repeat(say(llm.System, "s")), say(llm.User, "go")),
		"system messages before nothing said": repeat(say(llm.System, "s"), assistant(), say(llm.User, "u")),
		"results without calls":               repeat(result("nobody", "r")),
		"cache markers":                       repeat(marked),
		"calls that the provider ran":         {assistant(server...), say(llm.User, "go")},
	} {
		for _, model := range []string{legacyModel, strictModel} {
			if call := encode(t, between(msgs...), target(model)); len(call.Body) < huge {
				t.Errorf("%s: %d bytes", name, len(call.Body))
			}
		}
	}
}

func TestHundredThousandToolsAreEncodedOnceEach(t *testing.T) {
	req := request(params("max_tokens", "9"), say(llm.User, "hi"))
	choice := &llm.ToolChoice{Mode: llm.ChoiceAllowedAuto}
	for i := range huge {
		name := "f" + strconv.Itoa(i/2) // each twice
		req.Tools = append(req.Tools, function(name, `{"type":"object","properties":{}}`))
		choice.Names = append(choice.Names, "f"+strconv.Itoa(huge-i))
	}
	req.ToolChoice = choice
	body := string(encode(t, req, target(legacyModel)).Body)
	if n := strings.Count(body, `{"name":"`); n != huge/2-1 { // f0 is not allowed
		t.Errorf("%d tools", n)
	}
}

func TestSchemasThatNestOrReferMuchAreNotCompiled(t *testing.T) {
	var refs, defs strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&refs, `,"p%d":{"$ref":"#/x/d%d"}`, i, i)
		fmt.Fprintf(&defs, `,"d%d":{"type":"null"}`, i)
	}
	junk := `,"x-junk":[` + strings.Repeat("{},", 1<<20) + `1]`
	for name, schema := range map[string]string{
		"pointers": `{"type":"object","properties":{"a":{"type":"null"}` + refs.String() + `},"x":{"a":1` + defs.String() + `}}`,
		"nesting": strings.Repeat(`{"type":"object","required":["a"],"properties":{"a":`, 60) + `{"type":"string"` + junk + `}` +
			strings.Repeat(`}}`, 60),
	} {
		if _, ok := filterSchema(rawjson.Value(schema)); ok {
			t.Errorf("%s: compiled", name)
		}
	}
	if _, ok := filterSchema(rawjson.Value(`{"type":"object","properties":{"a":{"$ref":"#/$defs/b~1c"}},"required":["a"],"$defs":{"b/c":{"type":"string"}}}`)); !ok {
		t.Error("a definition was not found")
	}
}

func BenchmarkCallsInReverse(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			req, tg := answered(n, eachOwn, func(i int) int { return n - 1 - i }), target(legacyModel)
			for b.Loop() {
				if _, err := New().Encode(req, tg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/call")
		})
	}
}
