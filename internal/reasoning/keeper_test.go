package reasoning

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

const day = 24 * time.Hour

// sig makes a valid signature.
func sig(n int) string {
	return base64.StdEncoding.EncodeToString([]byte(fmt.Sprintf("signature-%04d-0123456789", n)))
}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newKeeper(l Limits, s Store) (*Keeper, *clock) {
	c := &clock{time.Unix(1_800_000_000, 0)}
	return New(l, s, c.now), c
}

func question(text string) *llm.Request {
	return &llm.Request{Expanded: true, Messages: []llm.Message{{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: text}}}}}
}

func callPart(id, name, args string) llm.Part {
	return llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: name, Arguments: args}}
}

func assistant(parts ...llm.Part) llm.Message { return llm.Message{Role: llm.Assistant, Parts: parts} }

func result(id string) llm.Message {
	return llm.Message{Role: llm.Tool, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: id, Parts: []llm.Part{{Kind: llm.PartText, Text: "ok"}}}}}}
}

// remember records an answer with signed calls to a question.
func remember(k *Keeper, tenant, provider string, req *llm.Request, calls ...Call) {
	r := &Recorder{Tenant: tenant, Provider: provider, Request: req}
	for i, c := range calls {
		ev := llm.Event{Kind: llm.EventToolCall, Index: i, Call: &llm.ToolCall{ID: c.ID, Name: c.Name}, Delta: c.Arguments}
		if c.Signature != "" {
			ev.State = &llm.State{Provider: provider, Signature: c.Signature}
		}
		r.Event(&ev)
	}
	k.Remember(r)
}

func then(req *llm.Request, messages ...llm.Message) *llm.Request {
	out := *req
	out.Messages = append(append([]llm.Message(nil), req.Messages...), messages...)
	return &out
}

func signatureOf(p llm.Part) string {
	if p.State == nil {
		return ""
	}
	return p.State.Signature
}

func TestSignatureIsFoundByTheIDOfTheCall(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("weather?")
	remember(k, "a", "gemini", q, Call{ID: "call_1", Name: "weather", Arguments: `{"city":"Paris"}`, Signature: sig(1)})
	next := then(q, assistant(callPart("call_1", "weather", `{ "city" : "Paris" }`)), result("call_1"))
	if got := k.Restore("a", "gemini", next); got.Signatures != 1 {
		t.Fatalf("restored %+v, want one signature", got)
	}
	if got := signatureOf(next.Messages[1].Parts[0]); got != sig(1) {
		t.Errorf("signature %q, want the real one", got)
	}
}

func TestSignatureIsFoundByNameAndArgumentsWhenTheClientRenumbersCalls(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("weather?")
	remember(k, "a", "gemini", q, Call{ID: "x9", Name: "weather", Arguments: `{"city":"Paris","unit":"C"}`, Signature: sig(1)})
	next := then(q, assistant(callPart("call_1", "weather", `{"unit":"C","city":"Paris"}`)), result("call_1"))
	k.Restore("a", "gemini", next)
	if got := signatureOf(next.Messages[1].Parts[0]); got != sig(1) {
		t.Errorf("signature %q, want the real one", got)
	}
}

func TestTheSameCallAfterAnotherQuestionKeepsItsOwnSignature(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q1, q2 := question("first"), question("second")
	c := Call{ID: "r1", Name: "now", Arguments: "{}", Signature: sig(1)}
	remember(k, "a", "gemini", q1, c)
	c.ID, c.Signature = "r2", sig(2)
	remember(k, "a", "gemini", q2, c)
	next := then(q1, assistant(callPart("call_1", "now", "{}")), result("call_1"))
	k.Restore("a", "gemini", next)
	if got := signatureOf(next.Messages[1].Parts[0]); got != sig(1) {
		t.Errorf("signature %q, want that of the first question", got)
	}
}

func TestAnIDThatAnotherConversationUsedForAnotherCallIsNotTrusted(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	remember(k, "a", "gemini", question("x"), Call{ID: "call_1", Name: "weather", Arguments: `{"city":"Rome"}`, Signature: sig(1)})
	next := then(question("y"), assistant(callPart("call_1", "stocks", `{}`)), result("call_1"))
	if got := k.Restore("a", "gemini", next); got.Signatures != 0 {
		t.Errorf("restored %+v for another call, want nothing", got)
	}
}

func TestACallWhoseArgumentsTheClientRepairedKeepsItsSignature(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("x")
	remember(k, "a", "gemini", q, Call{ID: "call_77", Name: "weather", Arguments: `{"city":"Rom"}`, Signature: sig(1)})
	next := then(q, assistant(callPart("call_77", "weather", `{"city":"Rome"}`)), result("call_77"))
	k.Restore("a", "gemini", next)
	if got := signatureOf(next.Messages[1].Parts[0]); got != sig(1) {
		t.Errorf("signature %q, want the real one", got)
	}
}

func TestATenantNeverGetsTheStateOfAnother(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("weather?")
	remember(k, "a", "gemini", q, Call{ID: "call_1", Name: "weather", Arguments: `{}`, Signature: sig(1)})
	next := then(q, assistant(callPart("call_1", "weather", `{}`)), result("call_1"))
	if got := k.Restore("b", "gemini", next); got.Signatures != 0 || next.Messages[1].Parts[0].State != nil {
		t.Errorf("tenant b got tenant a's signature: %+v", got)
	}
}

func TestStateOfOneProviderIsNotRestoredForAnother(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("weather?")
	remember(k, "a", "gemini", q, Call{ID: "call_1", Name: "weather", Arguments: `{}`, Signature: sig(1)})
	next := then(q, assistant(callPart("call_1", "weather", `{}`)), result("call_1"))
	if got := k.Restore("a", "anthropic", next); got.Signatures != 0 {
		t.Errorf("restored %+v for another provider", got)
	}
}

func TestOnlyTheSignedCallOfParallelCallsGetsASignature(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("both")
	remember(k, "a", "gemini", q, Call{ID: "c1", Name: "f", Arguments: `{"n":1}`, Signature: sig(1)}, Call{ID: "c2", Name: "f", Arguments: `{"n":2}`})
	next := then(q, assistant(callPart("c1", "f", `{"n":1}`), callPart("c2", "f", `{"n":2}`)), result("c1"), result("c2"))
	k.Restore("a", "gemini", next)
	if a, b := signatureOf(next.Messages[1].Parts[0]), signatureOf(next.Messages[1].Parts[1]); a != sig(1) || b != "" {
		t.Errorf("signatures %q and %q, want only the first", a, b)
	}
}

func TestCallsOfOneAnswerThatTheClientSplitAreRegrouped(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("both")
	remember(k, "a", "gemini", q, Call{ID: "c1", Name: "f", Arguments: `{"n":1}`, Signature: sig(1)}, Call{ID: "c2", Name: "f", Arguments: `{"n":2}`})
	next := then(q, assistant(callPart("c1", "f", `{"n":1}`)), result("c1"), assistant(callPart("c2", "f", `{"n":2}`)), result("c2"))
	k.Restore("a", "gemini", next)
	if len(next.Messages) != 4 {
		t.Fatalf("%d messages, want question, calls, result, result", len(next.Messages))
	}
	if n := len(next.Messages[1].Parts); n != 2 {
		t.Errorf("%d calls in the first assistant message, want both", n)
	}
}

func TestStepsOfDifferentAnswersAreLeftApart(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("steps")
	remember(k, "a", "gemini", q, Call{ID: "c1", Name: "f", Arguments: `{"n":1}`, Signature: sig(1)})
	step := then(q, assistant(callPart("c1", "f", `{"n":1}`)), result("c1"))
	remember(k, "a", "gemini", step, Call{ID: "c2", Name: "f", Arguments: `{"n":2}`, Signature: sig(2)})
	next := then(step, assistant(callPart("c2", "f", `{"n":2}`)), result("c2"))
	k.Restore("a", "gemini", next)
	if len(next.Messages) != 5 {
		t.Fatalf("%d messages, want the two steps as they were", len(next.Messages))
	}
	if a, b := signatureOf(next.Messages[1].Parts[0]), signatureOf(next.Messages[3].Parts[0]); a != sig(1) || b != sig(2) {
		t.Errorf("signatures %q and %q, want each its own", a, b)
	}
}

func TestThinkingBlocksThatTheClientDroppedComeBackFirst(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("think")
	r := &Recorder{Tenant: "a", Provider: "anthropic", Request: q}
	for _, ev := range []llm.Event{
		{Kind: llm.EventThinking, Delta: "I "},
		{Kind: llm.EventThinking, Delta: "think"},
		{Kind: llm.EventThinking, State: &llm.State{Provider: "anthropic", Signature: "s1"}},
		{Kind: llm.EventThinking, State: &llm.State{Provider: "anthropic", Redacted: "secret"}},
		{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "toolu_1", Name: "f"}},
		{Kind: llm.EventToolArgs, Delta: `{"a":`},
		{Kind: llm.EventToolArgs, Delta: `1}`},
	} {
		r.Event(&ev)
	}
	k.Remember(r)
	next := then(q, assistant(llm.Part{Kind: llm.PartThinking, Text: "I think"}, callPart("toolu_1", "f", `{"a":1}`)), result("toolu_1"))
	if got := k.Restore("a", "anthropic", next); got.Blocks != 2 {
		t.Fatalf("restored %+v, want two blocks", got)
	}
	p := next.Messages[1].Parts
	if len(p) != 3 || p[0].Text != "I think" || p[0].State.Signature != "s1" || p[1].State.Redacted != "secret" || p[2].Call == nil {
		t.Errorf("parts %+v, want thinking, redacted thinking, call", p)
	}
}

func TestThinkingBlocksThatTheClientKeptAreLeftAlone(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("think")
	r := &Recorder{Tenant: "a", Provider: "anthropic", Request: q}
	r.Event(&llm.Event{Kind: llm.EventThinking, Delta: "remembered", State: &llm.State{Signature: "s1"}})
	r.Event(&llm.Event{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "t1", Name: "f"}, Delta: "{}"})
	k.Remember(r)
	kept := llm.Part{Kind: llm.PartThinking, Text: "kept", State: &llm.State{Signature: "s2"}}
	next := then(q, assistant(kept, callPart("t1", "f", "{}")), result("t1"))
	k.Restore("a", "anthropic", next)
	if p := next.Messages[1].Parts; len(p) != 2 || p[0].Text != "kept" {
		t.Errorf("parts %+v, want the client's own block only", p)
	}
}

func TestALateSignatureBelongsToTheCallItNames(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("late")
	r := &Recorder{Tenant: "a", Provider: "gemini", Request: q}
	r.Event(&llm.Event{Kind: llm.EventToolCall, Index: 0, Call: &llm.ToolCall{ID: "c1", Name: "f"}, Delta: "{}"})
	r.Event(&llm.Event{Kind: llm.EventState, Index: 0, State: &llm.State{Signature: sig(7)}})
	k.Remember(r)
	next := then(q, assistant(callPart("c1", "f", "{}")), result("c1"))
	k.Restore("a", "gemini", next)
	if got := signatureOf(next.Messages[1].Parts[0]); got != sig(7) {
		t.Errorf("signature %q, want the late one", got)
	}
}

func TestTheSignatureOfATextGoesBackToThatText(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	q := question("hello")
	r := &Recorder{Tenant: "a", Provider: "gemini", Request: q}
	r.Event(&llm.Event{Kind: llm.EventText, Delta: "Hi "})
	r.Event(&llm.Event{Kind: llm.EventText, Delta: "there"})
	r.Event(&llm.Event{Kind: llm.EventState, Index: -1, State: &llm.State{Signature: sig(3)}})
	k.Remember(r)
	next := then(q, assistant(llm.Part{Kind: llm.PartText, Text: "Hi there"}))
	k.Restore("a", "gemini", next)
	if got := signatureOf(next.Messages[1].Parts[0]); got != sig(3) {
		t.Errorf("signature %q, want that of the text", got)
	}
}

func TestReasoningTextIsRecalledByTheIDOfACall(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	r := &Recorder{Tenant: "a", Provider: "deepseek", Request: &llm.Request{}}
	r.Event(&llm.Event{Kind: llm.EventRaw, Delta: "because "})
	r.Event(&llm.Event{Kind: llm.EventRaw, Delta: "of it", Call: &llm.ToolCall{ID: "c1", Name: "f"}})
	k.Remember(r)
	if text, ok := (&Recall{Keeper: k, Tenant: "a", Provider: "deepseek"}).Reasoning("c1"); !ok || text != "because of it" {
		t.Errorf("recalled %q %v, want the reasoning", text, ok)
	}
	if _, ok := (&Recall{Keeper: k, Tenant: "b", Provider: "deepseek"}).Reasoning("c1"); ok {
		t.Error("another tenant recalled the reasoning")
	}
}

func TestReasoningWithoutAnySignatureComesBackAsPlainText(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	r := &Recorder{Tenant: "a", Provider: "deepseek", Request: question("q")}
	r.Response(&llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartThinking, Text: "hm"}, callPart("c1", "f", "{}")}}}})
	k.Remember(r)
	req := then(question("q"), assistant(callPart("c1", "f", "{}")), result("c1"))
	k.Restore("a", "deepseek", req)
	got := req.Messages[1].Parts
	if len(got) != 2 || got[0].Kind != llm.PartThinking || got[0].Text != "hm" || got[0].State != nil {
		t.Errorf("parts %+v", got)
	}
}

func TestThoughtsBesideASignedCallStayAway(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	r := &Recorder{Tenant: "a", Provider: "gemini", Request: question("q")}
	signed := callPart("c1", "f", "{}")
	signed.State = &llm.State{Signature: sig(1)}
	r.Response(&llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartThinking, Text: "hm"}, signed}}}})
	k.Remember(r)
	req := then(question("q"), assistant(callPart("c1", "f", "{}")), result("c1"))
	k.Restore("a", "gemini", req)
	if got := req.Messages[1].Parts; len(got) != 1 || signatureOf(got[0]) != sig(1) {
		t.Errorf("parts %+v", got)
	}
}

func TestTheMemoryIsBoundedInBytes(t *testing.T) {
	k, _ := newKeeper(Limits{Bytes: 64 << 10}, nil)
	for i := range 1000 {
		q := question(fmt.Sprint("q", i))
		remember(k, "a", "gemini", q, Call{ID: fmt.Sprint("c", i), Name: "f", Arguments: fmt.Sprintf(`{"n":%d}`, i), Signature: sig(i)})
	}
	bytes, turns := k.Size()
	if bytes > 64<<10 || turns == 0 {
		t.Errorf("%d bytes in %d turns, want at most 64 KiB and not nothing", bytes, turns)
	}
	if len(k.byKey) > 3*turns {
		t.Errorf("%d keys for %d turns: keys of evicted turns remain", len(k.byKey), turns)
	}
	if _, ok := k.get(idKey("a", "c999")); !ok {
		t.Error("the newest turn was evicted")
	}
}

func TestAnAnswerTooLargeToRememberIsNotRemembered(t *testing.T) {
	k, _ := newKeeper(Limits{}, nil)
	r := &Recorder{Tenant: "a", Provider: "gemini", Request: question("big")}
	r.Event(&llm.Event{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "c1", Name: "f"}, State: &llm.State{Signature: sig(1)}})
	chunk := strings.Repeat("x", 1<<20)
	for range 5 {
		r.Event(&llm.Event{Kind: llm.EventToolArgs, Delta: chunk})
	}
	k.Remember(r)
	if _, turns := k.Size(); turns != 0 {
		t.Errorf("%d turns remembered, want none", turns)
	}
}

func TestStateIsForgottenAfterItsAgeWithoutUse(t *testing.T) {
	k, c := newKeeper(Limits{Age: day}, nil)
	remember(k, "a", "gemini", question("q"), Call{ID: "c1", Name: "f", Arguments: "{}", Signature: sig(1)})
	c.t = c.t.Add(day - time.Minute)
	if _, ok := k.get(idKey("a", "c1")); !ok {
		t.Fatal("forgotten before its age")
	}
	c.t = c.t.Add(day - time.Minute)
	if _, ok := k.get(idKey("a", "c1")); !ok {
		t.Fatal("use did not prolong it")
	}
	c.t = c.t.Add(day + time.Minute)
	if _, ok := k.get(idKey("a", "c1")); ok {
		t.Error("remembered beyond its age")
	}
}
