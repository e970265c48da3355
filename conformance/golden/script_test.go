package golden

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestScriptGivesRecordedAnswersInOrder(t *testing.T) {
	pack, rules := readTestPack(t)
	v := vectorNamed(t, pack, "fb_default_retries_gpt-flaky")
	s := NewScript(v, rules)
	for i, u := range v.Upstream {
		if got := s.Answer(u.Request); got.Status != u.Response.Status {
			t.Errorf("answer %d has status %d, want %d", i, got.Status, u.Response.Status)
		}
	}
	if len(s.Calls()) != len(v.Upstream) {
		t.Errorf("%d calls are kept, want %d", len(s.Calls()), len(v.Upstream))
	}
}

func TestScriptRefusesCallsThatAreNotRecorded(t *testing.T) {
	v := &Vector{Upstream: []Exchange{{Request: Call{Method: "POST", Path: "/a"}}, {Request: Call{Method: "POST", Path: "/b"}}}}
	if r := NewScript(v, nil).Answer(Call{Method: "POST", Path: "/c"}); r.Status != 500 || !strings.Contains(string(r.Body), "nothing recorded") {
		t.Errorf("an unknown path is answered with %d %s", r.Status, r.Body)
	}
}

func TestScriptAnswersProbesWithoutKeepingThem(t *testing.T) {
	s := NewScript(&Vector{}, nil)
	if r := s.Answer(Call{Method: "GET", Path: "/v1/models"}); r.Status != 200 || len(s.Calls()) != 0 {
		t.Errorf("probe: status %d, %d calls kept", r.Status, len(s.Calls()))
	}
}

func TestBetterRequestGetsTheBetterAnswer(t *testing.T) {
	pack, rules := readTestPack(t)
	v := vectorNamed(t, pack, "think_claude_small_max")
	call := v.Upstream[0].Request
	call.Body = json.RawMessage(`{"model":"m","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}`)
	s := NewScript(v, rules)
	r := s.Answer(call)
	if r.Status != 200 {
		t.Fatalf("a request without a thinking budget is answered with %d", r.Status)
	}
	if got := Evaluate(v, s.Calls(), v.Response, rules); got.Must {
		t.Errorf("a stricter rule is not met: %v %v", got.Request, got.Response)
	}
}

func TestSecondTurnUsesTheGatewaysOwnAnswer(t *testing.T) {
	v := &Vector{
		Request: Call{Body: json.RawMessage(`{"messages":[{"role":"assistant","tool_calls":[{"id":"call_old__thought__S"}]},{"role":"tool","tool_call_id":"call_old"}]}`)},
		Prelude: &Prelude{ResponseBody: json.RawMessage(`{"choices":[{"message":{"tool_calls":[{"id":"call_old__thought__S"}]}}]}`)},
	}
	next, err := v.ContinueFrom(json.RawMessage(`{"choices":[{"message":{"tool_calls":[{"id":"call_new__thought__T"}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"messages":[{"role":"assistant","tool_calls":[{"id":"call_new__thought__T"}]},{"role":"tool","tool_call_id":"call_new"}]}`
	if string(next.Request.Body) != want {
		t.Errorf("second turn is %s, want %s", next.Request.Body, want)
	}
	if _, err := v.ContinueFrom(json.RawMessage(`{"choices":[]}`)); err == nil {
		t.Error("an answer without a message is accepted")
	}
}

func TestUnknownRuleIsAnError(t *testing.T) {
	for _, line := range []string{
		`{"case":"a","rule":"no_such_rule"}`,
		`{"case":"a","rule":"alt","args":{"must":["no_such_predicate"]}}`,
		`{"case":"a","rule":"alt","args":{"no_such_argument":true}}`,
		`{"case":"a","rule":"as_client","args":{"paths":["("]}}`,
	} {
		if _, err := ReadRules(strings.NewReader(line)); err == nil {
			t.Errorf("%s is accepted", line)
		}
	}
}

func TestDeviationsNeedAReason(t *testing.T) {
	d, err := ReadDeviations(strings.NewReader("# comment\n\nchat_*: because\n"))
	if err != nil || len(d) != 1 || d[0] != (Deviation{"chat_*", "because"}) {
		t.Errorf("read %v, %v", d, err)
	}
	if _, err := ReadDeviations(strings.NewReader("chat_*\n")); err == nil {
		t.Error("a line without a reason is accepted")
	}
}

func FuzzEvaluateAnyAnswer(f *testing.F) {
	pack, rules := readTestPack(f)
	for i := 0; i < len(pack); i += 25 {
		v := pack[i]
		var call []byte
		if len(v.Upstream) > 0 {
			call = v.Upstream[0].Request.Body
		}
		f.Add(i, v.Response.Status, []byte(v.Response.Body), call)
	}
	f.Fuzz(func(t *testing.T, i, status int, body, call []byte) {
		v := pack[uint(i)%uint(len(pack))]
		calls, _ := recorded(v)
		if len(calls) > 0 {
			calls[0].Body = call
			NewScript(v, rules).Answer(calls[0])
		}
		if got := Evaluate(v, calls, Answer{Status: status, Body: body}, rules); got.Case != v.Case {
			t.Errorf("verdict on %q instead of %q", got.Case, v.Case)
		}
	})
}
