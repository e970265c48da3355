package gemini

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Dialect is generateContent as clients speak it. The zero value is ready. Model
// and Stream of a request stand in the path; whoever routes sets them after
// Decode, see [ParsePath]. Source: wire-format specification §5.4.
type Dialect struct{}

var _ wire.Dialect = Dialect{}

// Name returns "gemini".
func (Dialect) Name() string { return Name }

// The methods of a model that the path names.
const (
	VerbGenerate    = "generateContent"
	VerbStream      = "streamGenerateContent"
	VerbCount       = "countTokens"
	VerbEmbed       = "embedContent"
	VerbBatchEmbeds = "batchEmbedContents"
)

// ParsePath takes what follows "models/" in a path apart into the model and the
// method. The model may hold slashes and colons: the last colon separates. rest may
// be escaped.
func ParsePath(rest string) (model, verb string, ok bool) {
	if decoded, err := url.PathUnescape(rest); err == nil {
		rest = decoded
	}
	at := strings.LastIndexByte(rest, ':')
	if at <= 0 || at+1 == len(rest) {
		return "", "", false
	}
	return rest[:at], rest[at+1:], true
}

// topMembers are the members of a request, in both spellings: a key that equals
// one of them but for case is a mistake.
var topMembers = []string{
	"contents", "systemInstruction", "system_instruction", "tools", "toolConfig", "tool_config",
	"generationConfig", "generation_config", "safetySettings", "safety_settings", "cachedContent", "cached_content", "model",
}

// Decode reads the envelope of a checked body in one pass over its top level.
func (Dialect) Decode(body rawjson.Value) (*llm.Request, error) {
	if body.Kind() != '{' {
		return nil, badRequest("request_body", "Invalid JSON payload received. Send an object with contents.")
	}
	d := decoder{req: &llm.Request{
		From: Name, Body: body, IncludeUsage: true, LenientParams: true, Params: make([]llm.Param, 0, 8),
	}}
	top := topFields(body)
	if err := checkKeys(top); err != nil {
		return nil, err
	}
	for _, f := range top {
		if err := d.member(f.name, f.Value); err != nil {
			return nil, err
		}
	}
	if len(d.req.Params) > rawjson.MaxKeys {
		return nil, tooManyKeys("generationConfig")
	}
	if !d.contents {
		return nil, badRequest("contents", "GenerateContentRequest.contents: contents is not specified.")
	}
	return d.req, nil
}

// topField is a member of a request under its name in camelCase.
type topField struct {
	rawjson.Field
	name string
}

// topFields lists the members of a request as [members] has them.
func topFields(body rawjson.Value) []topField {
	out := make([]topField, 0, 8)
	snake := false
	for f := range body.Fields() {
		name := memberName(f.Key)
		out = append(out, topField{f, name})
		snake = snake || !f.Key.Is(name)
	}
	if snake {
		better := camelMembersOf(body)
		for i := range out {
			if f := &out[i]; !f.Key.Is(f.name) && better[f.name] {
				f.Value = nil
			}
		}
	}
	return out
}

// checkKeys refuses a key that stands there twice, and one that equals a member but
// for case: another reader of the same bytes could see another value there.
func checkKeys(top []topField) error {
	if len(top) > rawjson.MaxKeys {
		return tooManyKeys("request_body")
	}
	const few = 32
	seen := map[string]bool{}
	for i, f := range top {
		key := f.Key.Text()
		twice := false
		if len(top) > few {
			twice, seen[key] = seen[key], true
		} else {
			twice = slices.ContainsFunc(top[:i], func(o topField) bool { return o.Key.Is(key) })
		}
		if twice {
			return badRequest("request_body", fmt.Sprintf("Invalid JSON payload received: the key %q stands twice at the top level; send it once.", clip(key)))
		}
		for _, name := range topMembers {
			if len(name) == len(key) && name != key && strings.EqualFold(name, key) {
				return badRequest("request_body", fmt.Sprintf("Invalid JSON payload received: the key %q must be written %q.", key, name))
			}
		}
	}
	return nil
}

func tooManyKeys(where string) *llm.Error {
	return badRequest(where, "Invalid JSON payload received: "+rawjson.TooManyKeys().Error()+".")
}

// decoder reads one envelope.
type decoder struct {
	req      *llm.Request
	contents bool
}

func (d *decoder) member(name string, v rawjson.Value) error {
	if !v.Present() {
		return nil
	}
	switch name {
	case "contents":
		d.contents = v.Kind() == '{' || v.First() != nil
		return isKind(name, v, "[{")
	case "generationConfig":
		if err := isKind(name, v, "{"); err != nil {
			return err
		}
		return d.generation(v)
	case "tools":
		return isKind(name, v, "[{")
	case "toolConfig":
		return isKind(name, v, "{")
	case "serviceTier":
		d.param("service_tier", rawjson.String(openAITier(v.Text())))
	case "systemInstruction", "model":
	default: // safetySettings, cachedContent …: no other format has them
		d.param(name, v)
	}
	return nil
}

func (d *decoder) param(name string, v rawjson.Value) {
	d.req.Params = append(d.req.Params, llm.Param{Name: name, Value: v})
}

// openAITier is the opposite of tierName.
func openAITier(tier string) string {
	switch tier = strings.ToLower(strings.TrimPrefix(tier, "SERVICE_TIER_")); tier {
	case "standard":
		return "default"
	case "unspecified":
		return "auto"
	}
	return tier
}

func badRequest(place, message string) *llm.Error { return llm.BadRequest(place, message) }

var kindWords = map[byte]string{'{': "an object", '[': "a list", '"': "a string", '0': "a number", 't': "true or false"}

// isKind refuses a value whose kind is not one of kinds.
func isKind(place string, v rawjson.Value, kinds string) error {
	if strings.IndexByte(kinds, v.Kind()) >= 0 {
		return nil
	}
	return badRequest(place, "Invalid value at '"+place+"': it must be "+kindWords[kinds[0]]+".")
}
