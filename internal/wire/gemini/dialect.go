package gemini

import (
	"net/url"
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

// Decode reads the envelope of a checked body.
func (Dialect) Decode(body rawjson.Value) (*llm.Request, error) {
	if body.Kind() != '{' {
		return nil, badRequest("request_body", "Invalid JSON payload received. Send an object with contents.")
	}
	if err := rawjson.Keys(body, topMembers); err != nil {
		return nil, badRequest("request_body", "Invalid JSON payload received: "+err.Error()+".")
	}
	d := decoder{req: &llm.Request{
		From: Name, Body: body, IncludeUsage: true, LenientParams: true, Params: make([]llm.Param, 0, 8),
	}}
	for name, v := range members(body) {
		if err := d.member(name, v); err != nil {
			return nil, err
		}
	}
	if !d.contents {
		return nil, badRequest("contents", "GenerateContentRequest.contents: contents is not specified.")
	}
	return d.req, nil
}

// decoder reads one envelope.
type decoder struct {
	req      *llm.Request
	contents bool
	search   bool // a search tool is among the tools
}

func (d *decoder) member(name string, v rawjson.Value) error {
	switch name {
	case "contents":
		d.contents = v.Len() > 0
		return isKind(name, v, "[{")
	case "generationConfig":
		if err := isKind(name, v, "{"); err != nil {
			return err
		}
		d.generation(v)
	case "tools":
		d.serverTools(v)
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
