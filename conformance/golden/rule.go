package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Rule is one line of better.jsonl: where another behaviour than LiteLLM's is accepted, or demanded.
type Rule struct {
	Glob    string   `json:"case"` // the cases it covers
	Name    string   `json:"rule"`
	Section string   `json:"section"` // of the wire-format specification
	Reason  string   `json:"reason"`
	Args    RuleArgs `json:"args"`
}

// RuleArgs holds the arguments of all rules; each rule reads its own.
type RuleArgs struct {
	Warm    bool             `json:"warm"`     // the gateway has seen the signature in the first turn
	Legacy  bool             `json:"legacy"`   // LiteLLM's behaviour is right too
	Must    []string         `json:"must"`     // predicates that the upstream request has to satisfy
	Keep    pattern          `json:"keep"`     // request differences that still count
	Status  []int            `json:"status"`   // accepted statuses
	Types   []string         `json:"type"`     // accepted error types
	Shape   string           `json:"shape"`    // accepted shape of the error
	Keys    []string         `json:"keys"`     // keys of the client's body that may be left out
	Paths   []string         `json:"paths"`    // request pointers, as regular expressions
	Values  map[string][]any `json:"values"`   // request pointer → values that are right too
	Rules   []string         `json:"rules"`    // protocol rules that must be kept
	MaySkip bool             `json:"may_skip"` // no upstream call at all is right too
	Extra   *int             `json:"extra"`    // upstream calls more than recorded that are right too
}

// ReadRules reads better.jsonl. Unknown rules, predicates and arguments are errors: a rule that is not understood must
// not pass for one that is kept.
func ReadRules(r io.Reader) ([]Rule, error) {
	var out []Rule
	err := eachLine(r, func(line string) error {
		d := json.NewDecoder(bytes.NewReader([]byte(line)))
		d.DisallowUnknownFields()
		var rule Rule
		if err := d.Decode(&rule); err != nil {
			return err
		}
		out = append(out, rule)
		return rule.check()
	})
	return out, err
}

func (r Rule) check() error {
	if rulesByName[r.Name] == nil {
		return fmt.Errorf("rule %q of %q is not known", r.Name, r.Glob)
	}
	for _, p := range r.Args.Must {
		if predicates[p] == nil {
			return fmt.Errorf("predicate %q of %q is not known", p, r.Glob)
		}
	}
	for _, p := range r.Args.Paths {
		if _, err := regexp.Compile(p); err != nil {
			return err
		}
	}
	for p := range r.Args.Values {
		if _, err := regexp.Compile(p); err != nil {
			return err
		}
	}
	return nil
}

func rulesFor(name string, rules []Rule) []Rule {
	var out []Rule
	for _, r := range rules {
		if Matches(r.Glob, name) {
			out = append(out, r)
		}
	}
	return out
}

func (e *evaluation) apply(r Rule) {
	if f := rulesByName[r.Name]; f != nil {
		f(e, r.Args)
		return
	}
	e.failRequest("/rule/"+r.Name, "a known rule", "not known")
}

// pattern is a regular expression, or its negation when written "^(?!x).*", which package regexp can't read.
type pattern struct {
	re      *regexp.Regexp
	negated bool
}

// UnmarshalText compiles the pattern.
func (p *pattern) UnmarshalText(text []byte) (err error) {
	s := string(text)
	if inner, ok := strings.CutPrefix(s, "^(?!"); ok && strings.HasSuffix(inner, ").*") {
		p.negated = true
		s = "^(?:" + strings.TrimSuffix(inner, ").*") + ")"
	}
	p.re, err = regexp.Compile(s)
	return err
}

func (p pattern) matches(s string) bool { return p.re.MatchString(s) != p.negated }

// rulesByName is the table of rules.
var rulesByName = map[string]func(*evaluation, RuleArgs){
	"alt":                betterOrLegacy,
	"allow_values":       otherValues,
	"as_client":          asTheClientSent,
	"auth_401":           unauthorised,
	"client_error":       refusedEarly,
	"cooldown_soft":      coolingDown,
	"count_tokens":       tokensCounted,
	"drop_media":         mediaDropped,
	"drop_thought_parts": dropThoughtParts,
	"drop_unknown":       unknownDropped,
	"ds_json":            schemaInPrompt,
	"error_any":          anotherError,
	"gem_results":        functionResultsInOrder,
	"gem_schema":         schemaMeansTheSame,
	"gnative_thinking":   thinkingTranslated,
	"google_error":       googleError,
	"is_error":           errorFlagKept,
	"opaque_scoped":      opaqueStaysHome,
	"reasoning_echo":     reasoningEcho,
	"retries_loose":      retriesLoose,
	"sig_first_call":     signatureOnFirstCall,
	"sig_gem25":          signatureOptional,
	"stream_rules":       keepsStreamRules,
	"turns":              turnsMayMerge,
	"via_chat":           viaChat,
}

// predicates judge one upstream body; they return what is wrong, or "".
var predicates = map[string]func(object, *Vector) string{
	"sig_valid":      signaturesValid,
	"thinking_ok":    thinkingConsistent,
	"high":           thinkingHigh,
	"fr_pairs":       functionResponsesPaired,
	"tool_pairs":     toolResultsPaired,
	"anthropic_body": anthropicShape,
	"openai_body":    openaiShape,
	"gemini_body":    geminiShape,
}
