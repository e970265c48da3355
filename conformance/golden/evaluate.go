package golden

import (
	"regexp"
	"strconv"
)

// Evaluate judges one case: got are the calls that reached the upstream in order of arrival, answer is what the client
// got, rules are all rules of better.jsonl.
func Evaluate(v *Vector, got []Call, answer Answer, rules []Rule) Result {
	e := &evaluation{vector: v, got: got, answer: answer, body: tree(answer.Body)}
	mine := rulesFor(v.Case, rules)
	e.usedBetter = e.playedBetter(mine)
	e.compareRequests()
	e.compareResponse()
	for _, r := range mine {
		e.apply(r)
	}
	return Result{Case: v.Case, Request: e.request, Response: e.response, Must: e.must, Status: answer.Status, Broken: brokenRules(e.kept)}
}

// evaluation is the state that rules look at and change.
type evaluation struct {
	vector *Vector
	got    []Call
	answer Answer
	body   any // answer.Body decoded

	wantCalls, gotCalls   []canonicalCall
	wantAnswer, gotAnswer object
	kept                  kept
	request, response     []Difference
	must                  bool
	usedBetter            bool // the script answered with the better upstream response
	signaturesJudged      bool
}

func upstreamPointer(i int) string { return "/upstream/" + strconv.Itoa(i) }

func (e *evaluation) compareRequests() {
	for _, u := range e.vector.Upstream {
		if u.Request.Method == "GET" && u.Request.Path == "/img.png" {
			continue // whether the gateway or the provider fetches a picture is not compared here
		}
		e.wantCalls = append(e.wantCalls, canonicalRequest(u.Request))
	}
	for _, c := range e.got {
		e.gotCalls = append(e.gotCalls, canonicalRequest(c))
	}
	e.request = diffRequests(e.wantCalls, e.gotCalls, e.vector.Unordered)
}

// extraEvents may be more than LiteLLM's.
var extraEvents = regexp.MustCompile(`^/stream/(events/|done_text|done_args)`)

func (e *evaluation) compareResponse() {
	r := e.vector.reading()
	var recorded kept
	e.wantAnswer, recorded = canonicalAnswer(r, e.vector.Response)
	e.gotAnswer, e.kept = canonicalAnswer(r, e.answer)
	e.response = without(diff(e.wantAnswer, e.gotAnswer, ""), func(d Difference) bool {
		return d.extra() && extraEvents.MatchString(d.Pointer)
	})
	for rule, ok := range recorded {
		if ok && !e.kept[rule] {
			e.response = append(e.response, Difference{"rule: " + rule, "kept", "broken"})
		}
	}
	if e.answer.Status >= 400 {
		e.response = append(e.response, leakedSecrets(e.answer.Body)...)
	}
}

func brokenRules(k kept) []string {
	var out []string
	for rule, ok := range k {
		if !ok {
			out = append(out, rule)
		}
	}
	return out
}

func without(ds []Difference, drop func(Difference) bool) []Difference {
	var out []Difference
	for _, d := range ds {
		if !drop(d) {
			out = append(out, d)
		}
	}
	return out
}

// failRequest and failResponse record that a rule stricter than LiteLLM is not met.
func (e *evaluation) failRequest(pointer string, want, got any) {
	e.request, e.must = append(e.request, Difference{pointer, want, got}), true
}

func (e *evaluation) failResponse(pointer string, want, got any) {
	e.response, e.must = append(e.response, Difference{pointer, want, got}), true
}

// dropRequest forgets request differences whose pointer matches.
func (e *evaluation) dropRequest(at *regexp.Regexp) {
	e.request = without(e.request, func(d Difference) bool { return at.MatchString(d.Pointer) })
}

// forgiveResponse forgets response differences, but never a leaked secret.
func (e *evaluation) forgiveResponse() {
	e.response = without(e.response, func(d Difference) bool { return d.Want != secretRule })
}

// redo compares the calls again after f changed both sides.
func (e *evaluation) redo(f func(body any) any) {
	for _, calls := range [][]canonicalCall{e.wantCalls, e.gotCalls} {
		for i := range calls {
			calls[i].body = f(clone(calls[i].body))
		}
	}
	e.request = diffRequests(e.wantCalls, e.gotCalls, e.vector.Unordered)
}

// lastBody is the body of the last upstream call when it is an object.
func (e *evaluation) lastBody() (object, bool) {
	if len(e.got) == 0 {
		return nil, false
	}
	b, ok := tree(e.got[len(e.got)-1].Body).(object)
	return b, ok
}

// answerText is the answer's body as text.
func (e *evaluation) answerText() string {
	if s, ok := e.body.(string); ok {
		return s
	}
	return dump(e.body)
}

// clientBody is the body of the client's request when it is an object.
func (v *Vector) clientBody() object { return obj(tree(v.Request.Body)) }
