package golden

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Rules about reasoning state: signatures, thinking blocks, reasoning_content.

var atSignature = regexp.MustCompile(`/thoughtSignature$`)

// signatureOnFirstCall: the first functionCall of each model turn carries the real signature when the client sent it
// (or, warm, the gateway has seen it), else a real one or the dummy; later parallel calls carry none.
func signatureOnFirstCall(e *evaluation, a RuleArgs) {
	if e.signaturesJudged {
		return
	}
	e.signaturesJudged = true
	e.dropRequest(atSignature)
	demanded := e.demandedSignatures(a.Warm)
	for n, c := range e.got {
		if formatOf(c.Path) != geminiFormat {
			continue
		}
		for _, content := range modelContents(tree(c.Body)) {
			e.judgeSignatures(upstreamPointer(n), objects(content["parts"]), demanded)
		}
	}
}

func (e *evaluation) demandedSignatures(warm bool) map[string]bool {
	out := map[string]bool{}
	for _, s := range e.vector.clientSignatures() {
		out[base64Plain(s)] = true
	}
	if !warm || e.vector.Prelude == nil {
		return out
	}
	minted := map[string]bool{}
	for _, u := range e.vector.Prelude.Upstream {
		collectSignatures(tree(u.Response.Body), minted)
	}
	for s := range minted {
		out[base64Plain(s)] = true
	}
	return out
}

func (e *evaluation) judgeSignatures(at string, parts []object, demanded map[string]bool) {
	first := true
	for _, p := range parts {
		s := base64Plain(str(p["thoughtSignature"]))
		if _, isCall := p["functionCall"]; !isCall {
			if s != "" && !e.vector.signaturesSeen[s] {
				e.failRequest(at+"/…text/thoughtSignature", "a real signature or none", s)
			}
			continue
		}
		e.judgeCall(at, s, first, demanded)
		first = false
	}
}

func (e *evaluation) judgeCall(at, s string, first bool, demanded map[string]bool) {
	switch {
	case !first && s != "":
		e.failRequest(at+"/…functionCall[1+]/thoughtSignature", "no signature on 2nd+ parallel calls", s)
	case first && len(demanded) > 0 && !demanded[s]:
		e.failRequest(at+"/…functionCall[0]/thoughtSignature", "the real signature, sent by the client or minted in the first turn", s)
	case first && len(demanded) == 0 && !e.vector.signaturesSeen[s] && !isDummy(s):
		e.failRequest(at+"/…functionCall[0]/thoughtSignature", "a real or dummy signature", s)
	}
}

// clientSignatures are the signatures that the client's own request carries for its tool calls, in whatever field.
func (v *Vector) clientSignatures() []string {
	var out []string
	for _, call := range clientCalls(v.clientBody()) {
		text := dump(call)
		for _, s := range v.known {
			if strings.Contains(text, strings.TrimRight(s, "=")) {
				out = append(out, s)
			}
		}
	}
	return out
}

// clientCalls collects the tool calls of a request in any dialect.
func clientCalls(b object) []any {
	var out []any
	for _, m := range objects(b["messages"]) {
		if m["role"] != "assistant" {
			continue
		}
		out = append(out, list(m["tool_calls"])...)
		for _, x := range objects(m["content"]) {
			if x["type"] == "tool_use" {
				out = append(out, x)
			}
		}
	}
	for _, it := range objects(b["input"]) {
		if it["type"] == "function_call" {
			out = append(out, it)
		}
	}
	for _, c := range objects(b["contents"]) {
		for _, p := range objects(c["parts"]) {
			if p["functionCall"] != nil || p["function_call"] != nil {
				out = append(out, p)
			}
		}
	}
	return out
}

// signatureOptional: Gemini 2.5 may get a real signature or none, never a dummy.
func signatureOptional(e *evaluation, _ RuleArgs) {
	e.dropRequest(atSignature)
	for n, c := range e.got {
		for _, content := range modelContents(tree(c.Body)) {
			for _, p := range objects(content["parts"]) {
				if s := base64Plain(str(p["thoughtSignature"])); s != "" && !e.vector.signaturesSeen[s] {
					e.failRequest(upstreamPointer(n)+"/…/thoughtSignature", "no dummy for Gemini 2.5", s)
				}
			}
		}
	}
}

// dropThoughtParts: unsigned thoughts may be left out of Gemini's history.
func dropThoughtParts(e *evaluation, _ RuleArgs) {
	e.redo(func(body any) any {
		for _, c := range objects(obj(body)["contents"]) {
			c["parts"] = slices.DeleteFunc(list(c["parts"]), func(p any) bool { return truthy(get(p, "thought")) })
		}
		return body
	})
}

// reasoningEcho: reasoning_content that goes back may be the original, a remembered one, a blank or absent.
func reasoningEcho(e *evaluation, _ RuleArgs) {
	e.request = without(e.request, func(d Difference) bool {
		s, isText := d.Got.(string)
		return strings.HasSuffix(d.Pointer, "/reasoning_content") && (d.missing() || isText && s != "")
	})
}

// opaqueStaysHome: nothing that one provider minted may reach another.
func opaqueStaysHome(e *evaluation, _ RuleArgs) {
	foreign := append(slices.Clone(e.vector.known), "__thought__", anthropicSignature, "provider_specific_fields", "thinking_blocks", "extra_content")
	for n, c := range e.got {
		text := dump(tree(c.Body))
		for _, x := range foreign {
			if x = strings.TrimRight(x, "="); strings.Contains(text, x) {
				e.failRequest(upstreamPointer(n)+"/body", "no opaque fields of another provider", "contains "+x)
			}
		}
	}
}

// betterOrLegacy: the gateway sends a request that satisfies args.must, and the client gets the good answer to it.
func betterOrLegacy(e *evaluation, a RuleArgs) {
	asRecorded := len(e.request) == 0 && len(e.response) == 0
	if a.Legacy && (asRecorded || len(e.got) == 0) {
		return
	}
	if len(e.got) == 0 {
		e.request, e.response = nil, nil
		e.failRequest("/upstream", "a request that satisfies "+strings.Join(a.Must, ", "), "no upstream request")
		return
	}
	if why := unmet(e.vector, e.got[len(e.got)-1], a.Must); why != "" {
		e.failRequest("/upstream/body", why, "not satisfied")
		return
	}
	e.keepRequest(a.Keep)
	if e.vector.Response.Status != 200 || e.usedBetter {
		e.response = nil
	}
	if e.answer.Status != 200 {
		e.failResponse("/status", 200, e.answer.Status)
		return
	}
	if text := goodText(e.goodReply()); text != "" && !strings.Contains(e.answerText(), text) {
		e.failResponse("/content", text, "not in the answer")
	}
}

var atEnvelope = regexp.MustCompile(`/(method|path|auth)`)

// keepRequest keeps only the request differences that still count; without a recorded call nothing does.
func (e *evaluation) keepRequest(keep pattern) {
	if len(e.vector.Upstream) == 0 {
		e.request = nil
		return
	}
	if keep.re == nil {
		keep.re = atEnvelope
	}
	e.request = without(e.request, func(d Difference) bool { return !keep.matches(d.Pointer) })
}

func (e *evaluation) goodReply() *Reply {
	if e.vector.Better != nil {
		return e.vector.Better
	}
	if n := len(e.vector.Upstream); n > 0 {
		return &e.vector.Upstream[n-1].Response
	}
	return &Reply{}
}

// goodText is the text that an upstream's answer brings, in whatever format it is.
func goodText(r *Reply) string {
	b := obj(tree(r.Body))
	var out strings.Builder
	for _, p := range objects(get(b, "candidates", 0, "content", "parts")) {
		if !truthy(p["thought"]) {
			out.WriteString(str(p["text"]))
		}
	}
	out.WriteString(str(get(b, "choices", 0, "message", "content")))
	for _, x := range objects(b["content"]) {
		if x["type"] == "text" {
			out.WriteString(str(x["text"]))
		}
	}
	return out.String()
}

// keepsStreamRules: protocol rules that count although LiteLLM breaks them.
func keepsStreamRules(e *evaluation, a RuleArgs) {
	for _, k := range a.Rules {
		if e.answer.Status == 200 && !e.kept[k] {
			e.failResponse("rule: "+k, "kept", "broken")
		}
	}
}

// retriesLoose: how often a failing deployment is tried depends on its cooldown at that moment. Equal calls in a row
// count once, failed hops at the start may be missing.
func retriesLoose(e *evaluation, a RuleArgs) {
	want, got := collapse(e.wantCalls), collapse(e.gotCalls)
	if len(want) > len(got) {
		want = want[len(want)-max(len(got), 1):]
	}
	if len(got) > len(want) && e.answer.Status < 400 {
		got = got[len(got)-max(len(want), 1):]
	}
	if a.MaySkip && len(got) == 0 {
		e.request = nil
		return
	}
	e.request = diffRequests(want, got, e.vector.Unordered)
	extra := 2
	if a.Extra != nil {
		extra = *a.Extra
	}
	if len(e.gotCalls) > len(e.wantCalls)+extra {
		e.failRequest("/upstream", fmt.Sprintf("about %d calls", len(e.wantCalls)), fmt.Sprintf("%d calls", len(e.gotCalls)))
	}
}

func collapse(calls []canonicalCall) []canonicalCall {
	return slices.CompactFunc(slices.Clone(calls), func(a, b canonicalCall) bool { return len(diffCall(a, b, "")) == 0 })
}

// coolingDown: the deployment's own 500 or the gateway's 429 are both right.
func coolingDown(e *evaluation, _ RuleArgs) {
	if s := e.answer.Status; (s == 429 || s == 500) && truthy(e.gotAnswer["message"]) {
		e.response = nil
	}
}
