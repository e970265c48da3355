package gemini

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func TestT01_SignedCallGoesBackWithItsSignatureBesideIt(t *testing.T) {
	sig := sigOf("one")
	c := encode(t, request(user("w"), assistant(signedCall("call_1", "get", `{"city":"Paris"}`, sig)), result("call_1", "20")), target(g3))
	same(t, at(t, c, "contents", 1, "parts"), `[{"functionCall":{"id":"call_1","name":"get","args":{"city":"Paris"}},"thoughtSignature":"`+sig+`"}]`)
	same(t, at(t, c, "contents", 2), `{"role":"user","parts":[{"functionResponse":{"id":"call_1","name":"get","response":{"content":"20"}}}]}`)
}

func TestT05_UnsignedHistoryGetsThePlaceholderOnEveryFirstCall(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("1", "f", "{}")), result("1", "a"), assistant(call("2", "f", "{}")), result("2", "b"), user("x")), target(g3))
	for _, i := range []int{1, 3} {
		if got := at(t, c, "contents", i, "parts", 0, "thoughtSignature"); got != placeholder {
			t.Errorf("contents[%d] first call is signed with %v", i, got)
		}
	}
}

func TestT06_OnlyTheFirstOfParallelCallsIsSigned(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("1", "f", "{}"), call("2", "g", "{}")), result("1", "a"), result("2", "b")), target(g3))
	if got := at(t, c, "contents", 1, "parts", 0, "thoughtSignature"); got != placeholder {
		t.Errorf("first call is signed with %v", got)
	}
	second, _ := at(t, c, "contents", 1, "parts", 1).(map[string]any)
	if _, there := second["thoughtSignature"]; there || len(second) == 0 {
		t.Errorf("second call = %v", second)
	}
}

func TestT08_EveryStepKeepsItsOwnSignature(t *testing.T) {
	var messages []llm.Message
	messages = append(messages, user("go"))
	for _, id := range []string{"a", "b", "c"} {
		messages = append(messages, assistant(signedCall(id, "f", "{}", sigOf(id))), result(id, "ok"))
	}
	c := encode(t, request(messages...), target(g3))
	for i, id := range []string{"a", "b", "c"} {
		if got := at(t, c, "contents", 1+2*i, "parts", 0, "thoughtSignature"); got != sigOf(id) {
			t.Errorf("step %d is signed with %v", i, got)
		}
	}
}

func TestT10_InvalidSignatureIsNotForwarded(t *testing.T) {
	c := encode(t, request(user("w"), assistant(signedCall("1", "f", "{}", "!!!")), result("1", "a")), target(g3))
	if got := at(t, c, "contents", 1, "parts", 0, "thoughtSignature"); got != placeholder {
		t.Errorf("signed with %v", got)
	}
}

func TestT12_SignatureIsSentInStandardBase64(t *testing.T) {
	c := encode(t, request(user("w"), assistant(signedCall("1", "f", "{}", "gemini:_-8_-8_-8_-8_-8_-8_-8_-8_-8_-8_-8_-8")), result("1", "a")), target(g3))
	if got := at(t, c, "contents", 1, "parts", 0, "thoughtSignature"); got != "/+8/+8/+8/+8/+8/+8/+8/+8/+8/+8/+8/+8" {
		t.Errorf("signed with %v", got)
	}
}

func TestT15_TextSignatureGoesBackOnTheText(t *testing.T) {
	sig := sigOf("text")
	c := encode(t, request(user("hi"), assistant(signedTextPart("Hello", sig)), user("more")), target(g3))
	same(t, at(t, c, "contents", 1, "parts"), `[{"text":"Hello","thoughtSignature":"`+sig+`"}]`)
}

func TestSignatureOfACallIsNotRepeatedOnTheText(t *testing.T) {
	sig := sigOf("both")
	c := encode(t, request(user("hi"), assistant(signedTextPart("Hello", sig), signedCall("1", "f", "{}", sig)), result("1", "x")), target(g3))
	same(t, at(t, c, "contents", 1, "parts"), `[{"text":"Hello"},{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"`+sig+`"}]`)
}

func TestT17_OlderModelsGetNoPlaceholderAndNoIDs(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("1", "f", "{}")), result("1", "a")), target(g25))
	same(t, at(t, c, "contents", 1, "parts"), `[{"functionCall":{"name":"f","args":{}}}]`)
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"name":"f","response":{"content":"a"}}}]`)
}

func TestT18_ForeignStateIsNotForwarded(t *testing.T) {
	thought := llm.Part{Kind: llm.PartThinking, Text: "hm", State: &llm.State{Provider: "anthropic", Signature: sigOf("claude")}}
	unlabelled := llm.Part{Kind: llm.PartThinking, Text: "hm", State: &llm.State{Signature: sigOf("claude")}}
	c := encode(t, request(user("w"), assistant(thought, unlabelled, text("I call."), call("toolu_1", "f", "{}")), result("toolu_1", "a")), target(g3))
	same(t, at(t, c, "contents", 1, "parts"), `[{"text":"I call."},{"functionCall":{"id":"toolu_1","name":"f","args":{}},"thoughtSignature":"`+placeholder.(string)+`"}]`)
	if !dropped(c, "reasoning") {
		t.Error("the dropped reasoning is not reported")
	}
}

func TestOwnSignedThoughtGoesBack(t *testing.T) {
	sig := sigOf("thought")
	thought := llm.Part{Kind: llm.PartThinking, Text: "hm", State: &llm.State{Provider: Name, Signature: sig}}
	c := encode(t, request(user("w"), assistant(thought, text("ok")), user("x")), target(g3))
	same(t, at(t, c, "contents", 1, "parts"), `[{"thought":true,"text":"hm","thoughtSignature":"`+sig+`"},{"text":"ok"}]`)
}

func TestSignedCallThatAClientMovedComesToTheFront(t *testing.T) {
	sig := sigOf("moved")
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}"), call("b", "g", "{}"), signedCall("c", "h", "{}", sig)),
		result("a", "1"), result("b", "2"), result("c", "3")), target(g3))
	for i, want := range []string{"c", "a", "b"} {
		if got := at(t, c, "contents", 1, "parts", i, "functionCall", "id"); got != want {
			t.Errorf("call %d is %v, want %s", i, got, want)
		}
		if got := at(t, c, "contents", 2, "parts", i, "functionResponse", "id"); got != want {
			t.Errorf("result %d is %v, want %s", i, got, want)
		}
	}
	if got := at(t, c, "contents", 1, "parts", 0, "thoughtSignature"); got != sig {
		t.Errorf("first call is signed with %v", got)
	}
}

func TestSecondSignatureOfOneTurnIsLeftOut(t *testing.T) {
	c := encode(t, request(user("w"), assistant(signedCall("a", "f", "{}", sigOf("a")), signedCall("b", "f", "{}", sigOf("b"))), result("a", "1"), result("b", "2")), target(g3))
	if got := at(t, c, "contents", 1, "parts", 1, "thoughtSignature"); got != nil {
		t.Errorf("second call is signed with %v", got)
	}
}

func TestConsecutiveAnswersJoinUnlessTheTextIsSigned(t *testing.T) {
	c := encode(t, request(user("q"), assistant(text("a")), assistant(text("b")), user("c")), target(g3))
	same(t, at(t, c, "contents", 1, "parts"), `[{"text":"a"},{"text":"b"}]`)
	c = encode(t, request(user("q"), assistant(signedTextPart("a", sigOf("a"))), assistant(text("b")), user("c")), target(g3))
	same(t, at(t, c, "contents", 2, "parts"), `[{"text":"b"}]`)
	c = encode(t, request(user("q"), assistant(call("1", "f", "{}")), assistant(call("2", "f", "{}")), result("1", "x"), result("2", "y")), target(g25))
	if got := len(at(t, c, "contents").([]any)); got != 3 {
		t.Errorf("two answers with calls make %d turns in all, want 3", got)
	}
}

func TestT21_RefusedSignaturesAreReplacedByPlaceholders(t *testing.T) {
	req := request(user("w"), assistant(signedTextPart("t", sigOf("t")), signedCall("1", "f", "{}", sigOf("1"))), result("1", "a"))
	first := encode(t, req, target(g3))
	for _, message := range []string{
		"Corrupted thought signature.", "Invalid thought signature.",
		"Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly",
		"Unable to submit request because Thought signature is not valid..",
		"Invalid value at 'contents[2].parts[0].thought_signature' (TYPE_BYTES), Base64 decoding failed for \"x\"",
	} {
		e := Wire{}.Error(400, nil, []byte(`{"error":{"code":400,"message":`+string(mustJSON(message))+`,"status":"INVALID_ARGUMENT"}}`))
		repair, ok := Wire{}.Mend(first, e)
		if !ok || repair != wire.RepairSignatures {
			t.Fatalf("Mend(%q) = %q, %v", message, repair, ok)
		}
	}
	to := target(g3)
	to.Repair = wire.RepairSignatures
	second := encode(t, req, to)
	same(t, at(t, second, "contents", 1, "parts"), `[{"text":"t"},{"functionCall":{"id":"1","name":"f","args":{}},"thoughtSignature":"`+placeholder.(string)+`"}]`)
}

func TestT22_NothingIsMendedTwice(t *testing.T) {
	to := target(g3)
	to.Repair = wire.RepairSignatures
	e := Wire{}.Error(400, nil, []byte(`{"error":{"code":400,"message":"Corrupted thought signature."}}`))
	if repair, ok := (Wire{}).Mend(&wire.Call{Target: to}, e); ok {
		t.Errorf("mended again with %q", repair)
	}
	other := Wire{}.Error(400, nil, []byte(`{"error":{"code":400,"message":"Invalid temperature"}}`))
	if repair, ok := (Wire{}).Mend(&wire.Call{Target: target(g3)}, other); ok {
		t.Errorf("an unrelated refusal is mended with %q", repair)
	}
}

func TestRefusedSchemaIsMendedByTheOlderForm(t *testing.T) {
	e := Wire{}.Error(400, nil, []byte(`{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name \"parametersJsonSchema\" at 'tools[0].function_declarations[0]': Cannot find field."}}`))
	if repair, ok := (Wire{}).Mend(&wire.Call{Target: target(g3)}, e); !ok || repair != wire.RepairSchema {
		t.Errorf("Mend = %q, %v", repair, ok)
	}
}
