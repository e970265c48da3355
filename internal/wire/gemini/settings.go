package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// settings are the parameters of one request, sorted by where they go.
type settings struct {
	gen rawjson.Object // members of generationConfig
	top rawjson.Object // members of the request itself

	effort, thinking, format rawjson.Value
	// extra, google and generation are merged into the finished body.
	extra, google, generation rawjson.Value
	// search asks for the search tool (web_search_options).
	search bool
	// serverTools allows search beside functions (generation 3).
	serverTools bool
	// hint is the wanted JSON schema as a sentence for the system instruction, where
	// the model cannot be told otherwise.
	hint string
}

// number is a numeric parameter: its name in generationConfig, and whether it
// must be whole.
type number struct {
	name  string
	whole bool
}

var numbers = map[string]number{
	"temperature": {"temperature", false}, "top_p": {"topP", false}, "top_k": {"topK", false},
	"frequency_penalty": {"frequencyPenalty", false}, "presence_penalty": {"presencePenalty", false},
	"seed": {"seed", true}, "n": {"candidateCount", true},
	"max_tokens": {"maxOutputTokens", true}, "max_completion_tokens": {"maxOutputTokens", true},
}

// place says where one of Gemini's own members belongs.
type place uint8

const (
	inGeneration place = iota + 1
	inRequest
)

// native are Gemini's own members that a client may set by name, in either
// spelling.
var native = map[string]place{
	"topK": inGeneration, "thinkingConfig": inGeneration, "imageConfig": inGeneration, "speechConfig": inGeneration,
	"mediaResolution": inGeneration, "responseModalities": inGeneration, "responseMimeType": inGeneration,
	"responseSchema": inGeneration, "responseJsonSchema": inGeneration, "enableEnhancedCivicAnswers": inGeneration,
	"maxOutputTokens": inGeneration, "stopSequences": inGeneration, "topP": inGeneration,
	"safetySettings": inRequest, "cachedContent": inRequest,
}

// supports reports whether the target takes a parameter (§2.2).
func (e *encoder) supports(name string) bool {
	switch name {
	case "temperature", "top_p", "top_k":
		sampling, known := e.t.Info.Flag("supports_sampling_params")
		return sampling || !known
	case "reasoning_effort", "thinking":
		return e.reasons()
	case "audio":
		return e.model.speech
	case "stop", "tools", "tool_choice", "functions", "function_call", "parallel_tool_calls", "response_format", "logprobs",
		"modalities", "service_tier", "web_search_options", "extra_body", "google", "user", "include_server_side_tool_invocations":
		return true
	}
	_, ok := numbers[name]
	return ok || native[camel(name)] != 0 || camel(name) == "generationConfig"
}

// reasons reports whether the model can think: what the catalog says, else every
// generation since 2.5.
func (e *encoder) reasons() bool {
	if yes, known := e.t.Info.Flag("supports_reasoning"); known {
		return yes
	}
	if e.t.Info != nil && !e.t.Info.Inferred() && e.t.Info.Key() != "" {
		return false
	}
	major, minor := generation(e.model.name)
	return e.model.g3 || (major == 2 && minor >= 5)
}

func (e *encoder) settings() error {
	params, drops, err := wire.Effective(e.req, e.t, e.supports)
	if err != nil {
		return err
	}
	e.drops = append(e.drops, drops...)
	for i := range params {
		if err := e.param(params[i].Name, params[i].Value); err != nil {
			return err
		}
	}
	return e.thinkingConfig()
}

// param files one parameter.
func (e *encoder) param(name string, v rawjson.Value) error {
	if n, ok := numbers[name]; ok {
		return e.number(name, n, v)
	}
	switch name {
	case "stop":
		return e.stop(v)
	case "logprobs":
		if v.True() {
			e.set.gen.Set("responseLogprobs", v)
		}
	case "modalities":
		return e.modalities(v)
	case "audio":
		return e.audio(v)
	case "service_tier":
		e.set.top.Set("serviceTier", rawjson.String(tierName(v.Text())))
	case "response_format":
		e.set.format = v
	case "reasoning_effort":
		e.set.effort = v
	case "thinking":
		e.set.thinking = v
	case "web_search_options":
		e.set.search = true
	case "include_server_side_tool_invocations":
		e.set.serverTools = v.True()
	case "extra_body":
		e.set.extra = v
	case "google":
		e.set.google = v
	case "generation_config", "generationConfig":
		e.set.generation = v
	case "tools", "functions", "tool_choice", "function_call": // read from the request itself
	case "user":
		e.drop("user", "AI Studio takes no user id")
	case "parallel_tool_calls":
		if v.Kind() == 'f' {
			e.drop("parallel_tool_calls", "Gemini cannot be told to make one call at a time")
		}
	default:
		e.nativeParam(name, v)
	}
	return nil
}

func (e *encoder) nativeParam(name string, v rawjson.Value) {
	switch key := camel(name); native[key] {
	case inGeneration:
		e.set.gen.Set(key, v)
	case inRequest:
		e.set.top.Set(key, v)
	default:
		e.drop(name, "allowed by the configuration, but Gemini has no field for it")
	}
}

func (e *encoder) number(name string, n number, v rawjson.Value) error {
	if v.Kind() != '0' {
		return llm.BadRequest(name, name+" must be a number, but it is "+kindName(v)+". Send it without quotes.")
	}
	if _, whole := v.Int(); n.whole && !whole {
		return llm.BadRequest(name, name+" must be a whole number, but it is "+string(v)+".")
	}
	if e.model.g3 && strings.HasSuffix(name, "_penalty") {
		e.drop(name, "not supported since Gemini 3")
		return nil
	}
	if name == "max_tokens" && e.set.gen.Get(n.name) != nil {
		return nil // max_completion_tokens is the newer name and wins
	}
	e.set.gen.Set(n.name, v)
	return nil
}

func (e *encoder) stop(v rawjson.Value) error {
	const wrong = "stop must be a string or a list of strings."
	if v.Kind() == '"' {
		e.set.gen.Set("stopSequences", append(append(rawjson.Value{'['}, v...), ']'))
		return nil
	}
	if v.Kind() != '[' {
		return llm.BadRequest("stop", wrong)
	}
	for _, elem := range v.Elems() {
		if elem.Kind() != '"' {
			return llm.BadRequest("stop", wrong)
		}
	}
	if v.Len() > 0 {
		e.set.gen.Set("stopSequences", v)
	}
	return nil
}

func (e *encoder) modalities(v rawjson.Value) error {
	list := rawjson.Value{'['}
	for _, elem := range v.Elems() {
		name, ok := elem.Str()
		if !ok {
			return llm.BadRequest("modalities", "modalities must be a list of strings such as \"text\" and \"image\".")
		}
		list = rawjson.AppendString(rawjson.AppendComma(list), strings.ToUpper(name))
	}
	e.addModalities(append(list, ']'))
	return nil
}

// addModalities joins another list of modalities to those already there.
func (e *encoder) addModalities(list rawjson.Value) {
	all := rawjson.Value{'['}
	seen := map[string]bool{}
	for _, l := range []rawjson.Value{e.set.gen.Get("responseModalities"), list} {
		for _, elem := range l.Elems() {
			if !seen[string(elem)] {
				seen[string(elem)] = true
				all = append(rawjson.AppendComma(all), elem...)
			}
		}
	}
	if len(seen) > 0 {
		e.set.gen.Set("responseModalities", append(all, ']'))
	}
}

// audio asks a speech model for a voice; the format of the sound is fixed.
func (e *encoder) audio(v rawjson.Value) error {
	voice, ok := v.Get("voice").Str()
	if !ok {
		return llm.BadRequest("audio", "audio.voice must be the name of a voice, for example {\"voice\": \"Kore\"}.")
	}
	cfg := append(rawjson.Value{}, `{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":`...)
	e.set.gen.Set("speechConfig", append(rawjson.AppendString(cfg, voice), "}}}"...))
	e.addModalities(rawjson.Value(`["AUDIO"]`))
	return nil
}

func tierName(tier string) string {
	switch tier = strings.ToLower(tier); tier {
	case "auto":
		return "priority"
	case "default":
		return "standard"
	}
	return tier
}

func (e *encoder) appendGenerationConfig(dst []byte) []byte {
	if e.resolution != "" && e.set.gen.Get("mediaResolution") == nil {
		e.set.gen.Set("mediaResolution", rawjson.String(e.resolution))
	}
	if len(e.set.gen) == 0 {
		return dst
	}
	return e.set.gen.Append(rawjson.AppendKey(dst, "generationConfig"))
}

// camel turns a proto name into the spelling of JSON: top_k is topK.
func camel(name string) string {
	if strings.IndexByte(name, '_') < 0 {
		return name
	}
	out := make([]byte, 0, len(name))
	for i := 0; i < len(name); i++ {
		if name[i] != '_' || i+1 == len(name) {
			out = append(out, name[i])
			continue
		}
		if i++; name[i] >= 'a' && name[i] <= 'z' {
			out = append(out, name[i]-'a'+'A')
		} else {
			out = append(out, name[i])
		}
	}
	return string(out)
}

func kindName(v rawjson.Value) string {
	switch v.Kind() {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '0':
		return "a number"
	}
	return "a boolean"
}
