package gemini

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// statusLost is the finish reason of a request whose calls lack their signature.
const statusLost = "MISSING_THOUGHT_SIGNATURE"

// maxMessage bounds an upstream's text in an error.
const maxMessage = 2000

// Error implements [wire.Wire].
func (Wire) Error(status int, h http.Header, body []byte) *llm.Error {
	e := upstreamError(status, errorObject(body), body)
	e.Header = h
	if e.RetryAfter == 0 {
		e.RetryAfter = seconds(h.Get("Retry-After") + "s")
	}
	return e
}

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
	e.Message = "litellm." + e.Kind.String() + ": GeminiException - " + scrub(message)
	e.RetryAfter = retryDelay(obj)
	return e
}

// plainBody describes an answer that is no error object: its text, unless it is a
// page of HTML.
func plainBody(status int, body []byte) string {
	text := strings.TrimSpace(string(body[:min(len(body), maxMessage)]))
	if text == "" || text[0] == '<' || !utf8.ValidString(text) {
		return "Gemini answered with status " + strconv.Itoa(status) + " and no error message."
	}
	return text
}

// apiKey finds a Google API key, which some of Google's error texts quote.
var apiKey = regexp.MustCompile(`AIza[0-9A-Za-z_-]{10,}`)

func scrub(message string) string {
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return apiKey.ReplaceAllString(message, "AIza…")
}

// contextTexts and policyTexts tell classes that have no status of their own
// (§7.4, in lower case).
var contextTexts = []string{
	"exceeds the maximum number of tokens allowed", "input tokens exceed the configured limit",
	"exceed context limit", "model's maximum context limit", "request payload size exceeds",
	"is longer than the model's context length", "exceeds the available context size",
}

var policyTexts = []string{"the response was blocked.", "output blocked by content filtering policy"}

var quotaTexts = []string{"quota exceeded for", "resource exhausted", "resource has been exhausted"}

// classify tells the class and the client's status (§7.3). Text goes before
// status: Google says 400 for a bad key, and hides 429 in other envelopes.
func classify(status int, obj rawjson.Value, message string) *llm.Error {
	text, code, name := strings.ToLower(message), code(obj), obj.Get("status").Text()
	switch {
	case strings.Contains(text, "api key not valid") || status == 401 || (status == 400 && code == 401):
		return &llm.Error{Kind: llm.KindAuthentication, Status: 401}
	case status == 429 || ((status >= 500 || status == 200) && (code == 429 || name == "RESOURCE_EXHAUSTED" || contains(text, quotaTexts))):
		return &llm.Error{Kind: llm.KindRateLimit, Status: 429}
	case status < 500 && contains(text, contextTexts):
		return &llm.Error{Kind: llm.KindContextWindow, Status: 400}
	case status < 500 && contains(text, policyTexts):
		return &llm.Error{Kind: llm.KindContentPolicy, Status: 400}
	case status == 200 && code >= 400:
		return byStatus(code)
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

// maxDelay bounds what an upstream can make a client wait.
const maxDelay = 24 * time.Hour

// seconds reads a duration such as "34s" or "1.5s".
func seconds(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > maxDelay {
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
	case mentionsSchema(text) && done != wire.RepairSchema:
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
