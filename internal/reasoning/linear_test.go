package reasoning

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// huge is a history that no client sends by mistake and that must not cost more than
// its length: work that grows with its square does not end within the test.
const huge = 100_000

// manyCalls are n calls of an answer, of which the parts may be taken.
func manyCalls(n int, args string) (calls []Call, parts []llm.Part) {
	for i := range n {
		id, own := "c"+strconv.Itoa(i), strings.ReplaceAll(args, "N", strconv.Itoa(i))
		calls = append(calls, Call{ID: id, Name: "f", Arguments: own, Signature: sig(i)})
		parts = append(parts, callPart(id, "f", own))
	}
	return calls, parts
}

func TestAnAnswerWithManyCallsIsRestoredCallByCall(t *testing.T) {
	const n = 20_000 // what fits into the memory
	k, _ := newKeeper(Limits{}, nil)
	calls, parts := manyCalls(n, `{"n":N}`)
	remember(k, "t", "gemini", question("q"), calls...)
	req := then(question("q"), assistant(parts...))
	if done := k.Restore("t", "gemini", req); done.Signatures != n {
		t.Fatalf("%d signatures", done.Signatures)
	}
	for i, p := range req.Messages[1].Parts {
		if signatureOf(p) != sig(i) {
			t.Fatalf("call %d has %q", i, signatureOf(p))
		}
	}
}

func TestCallsOfAnAnswerInAMessageEachAreRegroupedInOnePass(t *testing.T) {
	const n = 20_000
	k, _ := newKeeper(Limits{}, nil)
	calls, parts := manyCalls(n, `{"n":N}`)
	remember(k, "t", "gemini", question("q"), calls...)
	var messages []llm.Message
	for i, p := range parts {
		messages = append(messages, assistant(p), result("c"+strconv.Itoa(i)))
	}
	req := then(question("q"), messages...)
	allocs := testing.AllocsPerRun(1, func() {
		again := *req
		again.Messages = append([]llm.Message(nil), req.Messages...)
		k.Restore("t", "gemini", &again)
		if len(again.Messages) != n+2 || len(again.Messages[1].Parts) != n {
			t.Errorf("%d messages, %d calls", len(again.Messages), len(again.Messages[1].Parts))
		}
	})
	if allocs > 60*n {
		t.Errorf("%.0f allocations for %d calls", allocs, n)
	}
}

// TestLookingACallUpGivesTheSameWithAndWithoutAnIndex compares both ways.
func TestLookingACallUpGivesTheSameWithAndWithoutAnIndex(t *testing.T) {
	turn := &Turn{}
	for i := range 4 * fewCalls {
		turn.Calls = append(turn.Calls, Call{ID: "c" + strconv.Itoa(i%9), Name: "f" + strconv.Itoa(i%4), Arguments: `{"n":` + strconv.Itoa(i%5) + `}`})
	}
	indexed := indexOf(turn)
	plain := &turnIndex{Turn: turn}
	for i := range 1000 {
		c := &llm.ToolCall{ID: "c" + strconv.Itoa(i%11), Name: "f" + strconv.Itoa(i%5), Arguments: `{ "n": ` + strconv.Itoa(i%7) + `}`}
		if indexed.index(c) != plain.index(c) || indexed.has(c) != plain.has(c) || indexed.named(c) != plain.named(c) {
			t.Fatalf("%+v: %d and %d", c, indexed.index(c), plain.index(c))
		}
	}
}

func TestWhatOneRequestGetsBackIsBounded(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	r := &Recorder{Tenant: "t", Provider: "anthropic", Request: question("q")}
	r.Response(&llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{
		{Kind: llm.PartThinking, Text: strings.Repeat("x", 1<<20), State: &llm.State{Signature: "s"}}, callPart("c", "f", "{}"),
	}}}})
	k.Remember(r)
	req := question("q")
	for range 1000 {
		req.Messages = append(req.Messages, assistant(callPart("c", "f", "{}")), result("c"))
	}
	if done := k.Restore("t", "anthropic", req); done.Blocks != maxRestored>>20-1 {
		t.Errorf("%d blocks of a MiB", done.Blocks)
	}
}

// countingStore has nothing and counts how often it was asked.
type countingStore struct{ asked int }

func (*countingStore) Save([]Key, *Turn, time.Time) {}

func (s *countingStore) Load(Key) (*Turn, bool) { s.asked++; return nil, false }

func TestTheStoreIsAskedABoundedNumberOfTimes(t *testing.T) {
	s := &countingStore{}
	k, _ := newKeeper(Limits{}, s)
	_, parts := manyCalls(huge, "{}")
	k.Restore("t", "gemini", then(question(strings.Repeat("long ", 10_000)), assistant(parts...)))
	if s.asked != maxLoads {
		t.Errorf("asked %d times", s.asked)
	}
}
