// Package golden reads recorded traffic of LiteLLM Proxy ("vectors") and judges a gateway against it.
//
// A vector holds a client's request, the calls that LiteLLM sent upstream with the answers it got, and LiteLLM's own
// answer. A Script plays the upstream's side of one vector, Evaluate compares what a gateway sent and answered. Both
// sides are brought to a canonical form first, so that differences that mean nothing (null or absent, the case of
// Gemini's keys, minted ids, chunk boundaries) do not count; the rules of better.jsonl then accept or demand more
// where LiteLLM's own behaviour is not the measure.
//
// The package is pure: it opens no file and no connection. See ../testdata/README.md for the source of the data.
package golden

import (
	"encoding/json"
	"strings"
)

// UpstreamToken stands in configurations and vectors for host:port of the scripted upstream.
const UpstreamToken = "{{UPSTREAM}}"

// Vector is one recorded case.
type Vector struct {
	Case    string `json:"case"`   // unique name, e.g. "chat_gem3_tools"
	Family  string `json:"family"` // name with the model replaced by "*"
	Config  string `json:"config"` // configuration it was recorded with: nokey, key, fallback or extra
	About   string `json:"about"`
	Request Call   `json:"request"` // what the client sends

	Upstream []Exchange `json:"upstream"` // what LiteLLM sent upstream, in order, and the answers to it
	Response Answer     `json:"response"` // what LiteLLM answered

	Prelude       *Prelude          `json:"prelude"`                  // a first turn to run live before this request
	Better        *Reply            `json:"better_upstream_response"` // the upstream's answer to a better request than LiteLLM's
	RepliesByPath map[string]*Reply `json:"replies_by_path"`          // answers chosen by path alone
	SleepBefore   float64           `json:"sleep_before"`             // seconds to wait before the case
	CooldownGap   float64           `json:"cooldown_gap"`             // seconds that failed deployments of the case must have been left alone
	Unordered     bool              `json:"unordered"`                // upstream calls may come in any order

	line           string          // as it stands in the pack
	known          []string        // every thought signature minted in the pack
	signaturesSeen map[string]bool // the same in normalised form
	betterOnly     bool            // LiteLLM's own way leads to an error
}

// Exchange is one upstream call with its answer.
type Exchange struct {
	Request  Call  `json:"request"`
	Response Reply `json:"response"`
}

// Prelude is the first turn of a two-turn case.
type Prelude struct {
	From         string          `json:"from"` // name of the case that it was recorded as
	Request      Call            `json:"request"`
	Upstream     []Exchange      `json:"upstream"`
	ResponseBody json.RawMessage `json:"response_body"`
}

// Call is one HTTP request, a client's or a gateway's.
type Call struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"` // with the query
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"` // JSON; a JSON string stands for a raw text body, null for none
}

// Reply is what the scripted upstream answers. A Body that is a JSON string is raw text, with the markers
// "<<hang>>", "<<TCP close>>" and a trailing "<<TCP cut>>" for faults below HTTP.
type Reply struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// Answer is what a client got: Status 0 means that no answer came. Header names are lower-case; a Body that is a JSON
// string is text that is not JSON, such as a stream.
type Answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// Difference is one place where expected and got disagree. Pointer is a JSON pointer into the canonical form.
type Difference struct {
	Pointer   string
	Want, Got any
}

// missing and extra tell the differences where one side has nothing.
func (d Difference) missing() bool { _, ok := d.Got.(absent); return ok }
func (d Difference) extra() bool   { _, ok := d.Want.(absent); return ok }

const shownLength = 110 // bytes of a value that String shows

// String is one line: pointer, expected and got, shortened.
func (d Difference) String() string {
	return d.Pointer + ": expected " + shown(d.Want) + "  got " + shown(d.Got)
}

func shown(v any) string {
	if _, ok := v.(absent); ok {
		return "(absent)"
	}
	s := dump(v)
	if len(s) > shownLength {
		s = strings.ToValidUTF8(s[:shownLength], "") + "…"
	}
	return s
}

// Result is the verdict on one case; it passed when both lists are empty.
type Result struct {
	Case     string
	Request  []Difference // what went upstream
	Response []Difference // what the client got
	Must     bool         // a rule stricter than LiteLLM is not met
	Status   int          // status of the gateway's answer
	Broken   []string     // protocol rules of streams that the answer breaks, also where LiteLLM breaks them
}

// Passed reports whether nothing differed.
func (r *Result) Passed() bool { return len(r.Request) == 0 && len(r.Response) == 0 }
