package gemini

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// FuzzStream holds the order of events on any input: a start before anything
// else, one finish a choice and nothing of it after that, dense call indexes.
func FuzzStream(f *testing.F) {
	f.Add([]byte(chunk(`[{"text":"a"},{"functionCall":{"name":"f"}}]`, "") + chunk(`[{"text":"","thoughtSignature":"U0lH"}]`, "STOP")))
	f.Add([]byte(`data: {"promptFeedback":{"blockReason":"SAFETY"}}` + "\n\n"))
	f.Add([]byte(`data: [{"error":{"code":429}}]` + "\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		begun, calls, finished := false, map[int]int{}, map[int]bool{}
		for ev, err := range (Wire{}).Stream(&wire.Call{}, sse.NewReader(bytes.NewReader(data), 0)) {
			if err != nil {
				var e *llm.Error
				if !errors.As(err, &e) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("error %T %v", err, err)
				}
				return
			}
			if ev.Kind == llm.EventStart {
				if begun {
					t.Fatal("two starts")
				}
				begun = true
				continue
			}
			if !begun || (finished[ev.Choice] && ev.Kind != llm.EventUsage) {
				t.Fatalf("event %s out of order", describe(ev))
			}
			switch ev.Kind {
			case llm.EventToolCall:
				if ev.Index != calls[ev.Choice] || ev.Delta == "" || ev.Call.ID == "" {
					t.Fatalf("call %s, want index %d", describe(ev), calls[ev.Choice])
				}
				calls[ev.Choice]++
			case llm.EventText:
				if ev.Delta == "" {
					t.Fatal("empty text")
				}
			case llm.EventFinish:
				finished[ev.Choice] = true
			}
		}
		if len(finished) == 0 {
			t.Fatal("a good end without a finish")
		}
	})
}

// FuzzResponse: any body gives an answer with choices or an error.
func FuzzResponse(f *testing.F) {
	f.Add([]byte(answer(`[{"text":"a"},{"functionCall":{"name":"f","args":{}}},{"inlineData":{"mimeType":"image/png","data":"AA=="}}]`, "STOP")))
	f.Add([]byte(`{"candidates":[{"groundingMetadata":{"groundingSupports":[{"segment":{"startIndex":-1,"endIndex":1e9},"groundingChunkIndices":[0]}],"groundingChunks":[{"web":{}}]},"logprobsResult":{"chosenCandidates":[{}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		resp, err := Wire{}.Response(&wire.Call{}, data)
		if err != nil {
			var e *llm.Error
			if !errors.As(err, &e) || e.Message == "" {
				t.Fatalf("error %T %v", err, err)
			}
			return
		}
		if len(resp.Choices) == 0 {
			t.Fatal("an answer without choices")
		}
		for _, c := range resp.Choices {
			for _, v := range []rawjson.Value{c.Annotations, c.Logprobs, c.Fields.Value(), c.ChoiceFields.Value(), resp.Extra.Value()} {
				if v != nil && !json.Valid(v) {
					t.Fatalf("broken JSON: %s", v)
				}
			}
		}
	})
}

// FuzzError: any status and body give an error for the client.
func FuzzError(f *testing.F) {
	f.Add(429, []byte(`[{"error":{"code":null,"details":[{"@type":"x/google.rpc.RetryInfo","retryDelay":"1.5s"}]}}]`))
	f.Fuzz(func(t *testing.T, status int, data []byte) {
		e := Wire{}.Error(status, nil, data)
		if e == nil || e.Status < 400 || e.Status > 599 || e.Kind == 0 || e.Message == "" {
			t.Fatalf("error = %+v", e)
		}
		Wire{}.Mend(&wire.Call{}, e)
	})
}

// FuzzSchema: any schema that is JSON becomes one with known keywords only, in
// both forms, or a client's mistake.
func FuzzSchema(f *testing.F) {
	f.Add([]byte(wild))
	f.Add([]byte(`{"allOf":[{"$ref":"#"}],"properties":{"a":{"anyOf":[{"$ref":"#"},{"type":"null"}]}}}`))
	f.Add([]byte(`{"type":["object","array"],"items":[{},{}],"enum":[1,"a"],"const":null,"properties":{"\u0061":true}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := rawjson.Check(data)
		if err != nil || v.Kind() != '{' {
			return
		}
		for _, repair := range []wire.Repair{"", wire.RepairSchema} {
			e := encoder{req: &llm.Request{}, t: &wire.Target{Repair: repair}, model: modelOf(g3)}
			out, err := e.schema(v, toolPlace(0))
			var mistake *llm.Error
			if errors.As(err, &mistake) {
				continue
			}
			var got any
			if jsonErr := json.Unmarshal(out, &got); err != nil || jsonErr != nil {
				t.Fatalf("%v, %v: %s", err, jsonErr, out)
			}
			allowed := jsonKeywords
			if repair != "" {
				allowed = openAPIKeywords
			}
			if err := checkKeywords(got, allowed); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
		}
	})
}

// conversationFrom reads a history out of bytes: two a part.
func conversationFrom(data []byte) []llm.Message {
	ids := []string{"a", "b", "", "call_long_one", "call_long_two", "call_long"}
	roles := []llm.Role{llm.User, llm.Assistant, llm.Tool, llm.System, llm.Assistant}
	var out []llm.Message
	for ; len(data) >= 2; data = data[2:] {
		op, arg := data[0], int(data[1])
		if op < 100 || len(out) == 0 {
			out = append(out, llm.Message{Role: roles[arg%len(roles)]})
		}
		m := &out[len(out)-1]
		id := ids[arg%len(ids)]
		var state *llm.State
		if arg%3 == 1 {
			state = &llm.State{Provider: Name, Signature: sigOf(fmt.Sprint(arg))}
		}
		switch op % 7 {
		case 0, 1:
			m.Parts = append(m.Parts, llm.Part{Kind: llm.PartText, Text: strings.Repeat("é\"\n", arg%3), State: state})
		case 2, 3:
			m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolCall, State: state, Call: &llm.ToolCall{ID: id, Name: "f " + id, Arguments: `{"n":` + fmt.Sprint(arg) + `}`[:arg%2+0]}})
		case 4, 5:
			m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: id, Parts: []llm.Part{text("r")}}})
		case 6:
			m.Parts = append(m.Parts, llm.Part{Kind: llm.PartThinking, Text: "t", State: state}, llm.Part{Kind: llm.PartImage, Media: &llm.Media{Data: "AAAA"}}, llm.Part{Kind: llm.PartUnknown})
		}
	}
	return out
}

type sentPart struct {
	FunctionCall     *struct{ Name, ID string }
	FunctionResponse *struct{ Name, ID string }
	ThoughtSignature string
}

type sentBody struct {
	Contents []struct {
		Role  string
		Parts []sentPart
	}
}

// checkHistory holds what Gemini demands of contents (§2.5.2, §2.8).
func checkHistory(body []byte, newer bool) error {
	var b sentBody
	if err := json.Unmarshal(body, &b); err != nil {
		return err
	}
	if len(b.Contents) == 0 {
		return errors.New("no contents")
	}
	var open []string // names of the calls of the turn before
	for i, c := range b.Contents {
		var calls, answers []string
		for _, p := range c.Parts {
			switch {
			case p.FunctionCall != nil:
				if signed := p.ThoughtSignature != ""; (newer && signed != (len(calls) == 0)) || (!newer && signed && len(calls) > 0) {
					return fmt.Errorf("contents[%d]: call %d signed: %v", i, len(calls), signed)
				}
				if !newer && p.FunctionCall.ID != "" {
					return fmt.Errorf("contents[%d]: an id for an older model", i)
				}
				calls = append(calls, p.FunctionCall.Name)
			case p.FunctionResponse != nil:
				answers = append(answers, p.FunctionResponse.Name)
			}
		}
		switch {
		case len(c.Parts) == 0:
			return fmt.Errorf("contents[%d] is empty", i)
		case len(calls) > 0 && (i == 0 || c.Role != "model" || b.Contents[i-1].Role == "model"):
			return fmt.Errorf("contents[%d]: calls without a user turn before them", i)
		case strings.Join(open, "|") != strings.Join(answers, "|"):
			return fmt.Errorf("contents[%d]: answers %v to calls %v", i, answers, open)
		}
		open = calls
	}
	if len(open) > 0 {
		return errors.New("calls at the end")
	}
	return nil
}

// FuzzEncode: any history becomes one that Gemini accepts.
func FuzzEncode(f *testing.F) {
	f.Add([]byte{0, 0, 2, 1, 4, 2})
	f.Add([]byte{0, 0, 2, 1, 102, 4, 102, 7, 4, 2, 104, 1, 0, 0})
	f.Add([]byte{2, 1, 2, 1, 1, 0, 4, 2, 1, 1, 2, 4, 6, 1})
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 400 {
			return
		}
		for _, model := range []string{g3, g25, "gemini-3.6-flash", "gemma-3-27b-it"} {
			to := &wire.Target{Provider: Name, Model: model}
			c, err := Wire{}.Encode(request(conversationFrom(data)...), to)
			if err != nil {
				t.Fatalf("Encode: %v", err)
			}
			if err := checkHistory(c.Body, IsGemini3OrNewer(model)); err != nil {
				t.Fatalf("%s: %v\n%s", model, err, c.Body)
			}
		}
	})
}
