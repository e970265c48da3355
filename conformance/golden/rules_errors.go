package golden

import (
	"slices"
	"strconv"
	"strings"
)

// Rules about errors: where another status, type or shape than LiteLLM's is right.

func googleError(e *evaluation, _ RuleArgs) {
	g := e.gotAnswer
	if g["shape"] == "google" && equal(g["status"], e.wantAnswer["status"]) && equal(g["code"], g["status"]) && truthy(g["message"]) {
		e.response = nil
	}
}

// unauthorised: a wrong key is 401; LiteLLM without a database answers 400.
func unauthorised(e *evaluation, _ RuleArgs) {
	g := e.gotAnswer
	if e.answer.Status != 401 || len(e.got) > 0 || !truthy(g["message"]) {
		return
	}
	if g["shape"] != "openai" || truthy(g["type"]) && codeText(g["code"]) == "401" {
		e.response = nil
	}
}

func codeText(code any) string {
	switch c := code.(type) {
	case string:
		return c
	case float64:
		return strconv.FormatFloat(c, 'f', -1, 64)
	}
	return ""
}

// refusedEarly: a malformed request is a 4xx before anything goes upstream.
func refusedEarly(e *evaluation, a RuleArgs) {
	statuses := a.Status
	if statuses == nil {
		statuses = []int{400, 422}
	}
	if slices.Contains(statuses, e.answer.Status) && len(e.got) == 0 && truthy(e.gotAnswer["message"]) {
		e.forgiveResponse()
		e.request = nil
	}
}

// anotherError: an error with one of the statuses, a message and, when given, one of the types and the shape.
func anotherError(e *evaluation, a RuleArgs) {
	g := e.gotAnswer
	if !slices.Contains(a.Status, e.answer.Status) || errorMessage(e.body) == "" {
		return
	}
	if a.Types != nil && !slices.Contains(a.Types, str(g["type"])) || a.Shape != "" && g["shape"] != a.Shape {
		return
	}
	code := codeText(g["code"])
	if _, err := strconv.Atoi(code); err == nil && code != strconv.Itoa(e.answer.Status) {
		return
	}
	e.forgiveResponse()
}

// errorMessage is the message of an error in any shape.
func errorMessage(body any) string {
	var message any
	switch e := get(body, "error").(type) {
	case object:
		message = e["message"]
	case string:
		message = e
	default:
		message = firstTruthy(get(body, "detail"), get(body, "message"), body)
	}
	return strings.TrimSpace(str(message))
}
