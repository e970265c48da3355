package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// generationParams are the members of generationConfig that are a parameter of
// Chat Completions under another name.
var generationParams = map[string]string{
	"temperature": "temperature", "topP": "top_p", "topK": "top_k", "maxOutputTokens": "max_tokens",
	"candidateCount": "n", "seed": "seed", "presencePenalty": "presence_penalty", "frequencyPenalty": "frequency_penalty",
	"logprobs": "top_logprobs",
}

// answerFormat is what generationConfig says about the form of the answer.
type answerFormat struct {
	mime             string
	schema           rawjson.Value
	openAPI, present bool
}

// generation turns generationConfig into parameters (§5.4).
func (d *decoder) generation(cfg rawjson.Value) error {
	var f answerFormat
	for name, v := range members(cfg) {
		if openAI, ok := generationParams[name]; ok {
			d.number(openAI, numberOf(v))
			continue
		}
		switch name {
		case "responseSchema":
			if v.Present() && v.Kind() != '{' {
				return isKind("generationConfig.responseSchema", v, "{")
			}
			f.read(name, v)
		case "stopSequences":
			if v.Len() > 0 || v.Kind() != '[' {
				d.param("stop", v)
			}
		case "responseLogprobs":
			d.param("logprobs", v)
		case "responseModalities":
			d.modalities(v)
		case "thinkingConfig":
			d.thinking(v)
		default:
			if !f.read(name, v) {
				d.param(name, v) // speechConfig, imageConfig …: no other format has them
			}
		}
	}
	d.format(&f)
	return nil
}

func (d *decoder) number(name string, v rawjson.Value) {
	if name == "n" && string(v) == "1" {
		return
	}
	d.param(name, v)
}

// modalities asks for what text alone is not.
func (d *decoder) modalities(v rawjson.Value) {
	list, other := rawjson.Value{'['}, false
	for _, m := range v.Elems() {
		word := strings.ToLower(strings.TrimPrefix(m.Text(), "MODALITY_"))
		other = other || (word != "text" && word != "unspecified")
		list = rawjson.AppendString(rawjson.AppendComma(list), word)
	}
	if other {
		d.param("modalities", append(list, ']'))
	}
}

// Budgets up to which an effort is meant (§5.4).
const (
	lowBudget    = 1024
	mediumBudget = 8192
)

// thinking turns thinkingConfig into an effort, which every other format knows in
// some way. Whether thoughts are shown is the provider's to decide.
func (d *decoder) thinking(cfg rawjson.Value) {
	if level := member(cfg, "thinkingLevel").Text(); level != "" {
		if level = strings.ToLower(level); level != "thinking_level_unspecified" {
			d.param("reasoning_effort", rawjson.String(level))
		}
		return
	}
	budget, ok := numberOf(member(cfg, "thinkingBudget")).Int()
	switch {
	case !ok || budget == -1:
	case budget <= 0:
		d.param("reasoning_effort", rawjson.Value(`"none"`))
	case budget <= lowBudget:
		d.param("reasoning_effort", rawjson.Value(`"low"`))
	case budget <= mediumBudget:
		d.param("reasoning_effort", rawjson.Value(`"medium"`))
	default:
		d.param("reasoning_effort", rawjson.Value(`"high"`))
	}
}

// read takes the members that concern the form of the answer.
func (f *answerFormat) read(name string, v rawjson.Value) bool {
	switch name {
	case "responseMimeType":
		f.mime = v.Text()
	case "responseSchema":
		if !f.present {
			f.schema, f.openAPI, f.present = v, true, true
		}
	case "responseJsonSchema": // the newer member wins
		f.schema, f.openAPI, f.present = v, false, true
	case "responseFormat":
		text := member(v, "text")
		f.mime = strings.ToLower(strings.ReplaceAll(member(text, "mimeType").Text(), "_", "/"))
		if s := member(text, "schema"); s != nil {
			f.schema, f.openAPI, f.present = s, true, true
		}
	default:
		return false
	}
	return true
}

// formatName is the name that OpenAI demands for a schema and Gemini knows not of.
const formatName = "response"

// format writes response_format. A choice among words (text/x.enum) is no JSON and
// has no counterpart; it is reported under its own name.
func (d *decoder) format(f *answerFormat) {
	switch {
	case f.mime != "" && f.mime != "application/json" && f.mime != "text/plain":
		d.param("responseMimeType", rawjson.String(f.mime))
	case f.schema.Kind() == '{' && f.schema.Len() > 0:
		dst := rawjson.Value(`{"type":"json_schema","json_schema":{"name":"` + formatName + `","schema":`)
		room := rereadRoom(len(f.schema))
		dst = appendJSONSchema(dst, f.schema, f.openAPI, &room)
		d.param("response_format", append(dst, "}}"...))
	case f.mime == "application/json":
		d.param("response_format", rawjson.Value(`{"type":"json_object"}`))
	}
}
