package gemini

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// statusLost is the finish reason of a request whose calls lack their signature.
const statusLost = "MISSING_THOUGHT_SIGNATURE"

// maxPlain bounds how much of a body that is no error object is quoted.
const maxPlain = 2000

// Error implements [wire.Wire].
func (Wire) Error(status int, h http.Header, body []byte) *llm.Error {
	e := upstreamError(status, errorObject(body), body)
	e.Header = h
	if e.RetryAfter == 0 {
		e.RetryAfter = errtext.RetryAfter(h)
	}
	return e
}

// eventError names the event of an error: Google's have no name, a proxy's may.
const eventError = "error"

// failedWith is the error in an event of a stream, whatever its form.
func failedWith(data []byte) *llm.Error { return upstreamError(http.StatusOK, errorObject(data), data) }

// stray reports whether a document of a stream is none of the format's and says something
// in words, as the errors of other formats do.
func (b *answerBody) stray(v rawjson.Value) bool {
	return b.candidates == nil && b.usage == nil && b.feedback == nil && (v.Get("message").Kind() == '"' || v.Get("detail").Kind() == '"')
}

func nameless() error { return brokenAnswer("the answer calls a function without its name") }

// errorObject finds Google's error object, which streaming endpoints wrap in an
// array; nil when the body is something else.
func errorObject(body []byte) rawjson.Value {
	v, err := rawjson.Check(body)
	if err != nil {
		return nil
	}
	if v.Kind() == '[' {
		v = v.First()
	}
	if inner := v.Get("error"); inner.Present() {
		return inner
	}
	return nil
}

// upstreamError makes an error of a status and Google's error object.
func upstreamError(status int, obj rawjson.Value, body []byte) *llm.Error {
	message := obj.Get("message").Text()
	if message == "" {
		message = obj.Text()
	}
	if message == "" {
		message = plainBody(status, body)
	}
	e := classify(status, obj, message)
	e.Provider, e.Upstream, e.UpstreamStatus = Name, true, status
	e.Message = "litellm." + e.Kind.String() + ": GeminiException - " + errtext.Clean(message)
	e.RetryAfter = retryDelay(obj)
	return e
}

// plainBody describes an answer that is no error object: its text, unless it is a
// page of HTML.
func plainBody(status int, body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), maxPlain)]))
	if text == "" || text[0] == '<' {
		return "Gemini answered with status " + strconv.Itoa(status) + " and no error message."
	}
	return text
}

// classify tells the class and the client's status (§7.3). Text goes before
// status: Google says 400 for a bad key, and hides 429 in other envelopes.
func classify(status int, obj rawjson.Value, message string) *llm.Error {
	code := code(obj)
	within := status == http.StatusOK // an error inside a good answer: its code is all there is
	if within {
		status = code
	}
	switch {
	case status == http.StatusUnauthorized || (status == http.StatusBadRequest && code == http.StatusUnauthorized):
		return byStatus(http.StatusUnauthorized)
	case (status >= 500 || within) && (code == http.StatusTooManyRequests || obj.Get("status").Is("RESOURCE_EXHAUSTED")):
		return byStatus(http.StatusTooManyRequests)
	}
	if kind, ok := errtext.Classify(Name, status, message); ok {
		return &llm.Error{Kind: kind, Status: errtext.Status(kind)}
	}
	return byStatus(status)
}

// statuses follow LiteLLM literally, also where it is odd: an overloaded model
// (503) is a 500 for the client.
var statuses = map[int]llm.Error{
	400: {Kind: llm.KindBadRequest, Status: 400},
	401: {Kind: llm.KindAuthentication, Status: 401},
	402: {Kind: llm.KindPayment, Status: 402},
	403: {Kind: llm.KindBadRequest, Status: 403},
	404: {Kind: llm.KindNotFound, Status: 404},
	408: {Kind: llm.KindTimeout, Status: 408},
	422: {Kind: llm.KindBadRequest, Status: 422},
	429: {Kind: llm.KindRateLimit, Status: 429},
	500: {Kind: llm.KindInternal, Status: 500},
	502: {Kind: llm.KindBadGateway, Status: 502},
	503: {Kind: llm.KindInternal, Status: 500},
	504: {Kind: llm.KindTimeout, Status: 500},
}

func byStatus(status int) *llm.Error {
	if e, ok := statuses[status]; ok {
		return &e
	}
	if status < 400 || status > 599 {
		return &llm.Error{Kind: llm.KindInternal, Status: 500}
	}
	return &llm.Error{Kind: llm.KindAPI, Status: status}
}

// code reads error.code, which may also be null or a string.
func code(obj rawjson.Value) int {
	v := obj.Get("code")
	if n, ok := v.Int(); ok {
		return int(n)
	}
	n, _ := strconv.Atoi(v.Text())
	return n
}

func contains(text string, any []string) bool {
	for _, s := range any {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// retryDelay reads google.rpc.RetryInfo.
func retryDelay(obj rawjson.Value) time.Duration {
	for _, d := range obj.Get("details").Elems() {
		if strings.HasSuffix(d.Get("@type").Text(), "google.rpc.RetryInfo") {
			return seconds(d.Get("retryDelay").Text())
		}
	}
	return 0
}

// seconds reads a duration such as "34s" or "1.5s".
func seconds(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > errtext.MaxRetryAfter {
		return 0
	}
	return d
}

// brokenAnswer is a successful status with a body that is no answer.
func brokenAnswer(reason string) *llm.Error {
	return &llm.Error{
		Kind: llm.KindBadGateway, Status: http.StatusBadGateway, Provider: Name, Upstream: true, UpstreamStatus: http.StatusOK,
		Message: "litellm.BadGatewayError: GeminiException - " + reason,
	}
}

// lostSignature is the refusal that comes as a finish reason.
func lostSignature() *llm.Error {
	return &llm.Error{
		Kind: llm.KindBadRequest, Status: http.StatusBadRequest, Provider: Name, Upstream: true, UpstreamStatus: http.StatusOK,
		Message: "litellm.BadRequestError: GeminiException - Gemini refused the request: a function call is missing its thought_signature (" + statusLost + ").",
	}
}

// Mend implements [wire.Mender]: refused signatures are replaced by placeholders,
// refused schemas written in the older form (§2.4, §2.9 rule 8).
func (Wire) Mend(c *wire.Call, e *llm.Error) (wire.Repair, bool) {
	if c == nil || e == nil || !e.Upstream || e.Kind != llm.KindBadRequest || e.Status != http.StatusBadRequest {
		return "", false
	}
	done := wire.Repair("")
	if c.Target != nil {
		done = c.Target.Repair
	}
	text := strings.ToLower(e.Message)
	switch {
	case mentionsSignature(text) && done != wire.RepairSignatures:
		return wire.RepairSignatures, true
	case !c.Native && mentionsSchema(text) && done != wire.RepairSchema:
		return wire.RepairSchema, true
	}
	return "", false
}

// mentionsSignature finds "thought signature" in all of Google's spellings.
func mentionsSignature(text string) bool {
	return contains(text, []string{"thoughtsignature", "thought_signature", "thought signature", "thought-signature"})
}

func mentionsSchema(text string) bool {
	return contains(text, []string{
		"parametersjsonschema", "parameters_json_schema", "responsejsonschema", "response_json_schema",
		"json schema", "json_schema", ".parameters", "response_schema",
	})
}
