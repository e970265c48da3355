package testkit

import (
	"net/http"
	"regexp"
	"strings"
)

// gemini is generateContent of AI Studio (wire-format specification §2).
type gemini struct{}

func (gemini) name() string { return "gemini" }

var (
	geminiPath  = regexp.MustCompile(`^/v1(?:beta|alpha)?/models/([^/:]+):(generateContent|streamGenerateContent|countTokens)$`)
	geminiModel = regexp.MustCompile(`^(gemini|gemma)-`)
	// geminiOld matches models before generation 3, geminiLatest those of them
	// whose name moves along (rule G17).
	geminiOld    = regexp.MustCompile(`^gemini-(?:[12](?:\.\d+)?|exp|pro|flash)(?:-|$)`)
	geminiLatest = regexp.MustCompile(`^gemini-(?:pro|flash)-(?:lite-)?latest$`)
	// geminiPrefill matches the models that accept a last turn of the model.
	geminiPrefill = regexp.MustCompile(`^(?:gemma-|gemini-(?:[12](?:\.\d+)?|3|3\.0|3\.1)(?:-|$)|gemini-3\.5-flash(?:-preview|$))`)
	geminiModels  = regexp.MustCompile(`^/v1(?:beta|alpha)?/models$`)
)

// third reports whether the model is of generation 3 or newer, which signs calls
// and wants them back signed.
func third(model string) bool {
	return strings.HasPrefix(model, "gemini-") && (!geminiOld.MatchString(model) || geminiLatest.MatchString(model))
}

func (gemini) route(in *incoming) operation {
	if in.Method == http.MethodGet && geminiModels.MatchString(in.URL.Path) {
		return opModels
	}
	m := geminiPath.FindStringSubmatch(in.URL.Path)
	if in.Method != http.MethodPost || m == nil {
		return opUnknown
	}
	in.model, in.stream = m[1], m[2] == "streamGenerateContent"
	if m[2] == "countTokens" {
		return opCount
	}
	return opAnswer
}

func (gemini) authorise(in *incoming) *refusal {
	if in.Header.Get("X-Goog-Api-Key") == in.fake.key && in.URL.Query().Get("key") == "" {
		return nil
	}
	if in.URL.Query().Get("key") != "" {
		return argument("The key must not travel in the query: it ends up in logs and errors.")
	}
	return argument("API key not valid. Please pass a valid API key.")
}

// argument is Google's INVALID_ARGUMENT.
func argument(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, message: message, kind: "INVALID_ARGUMENT"}
}

// unknownName refuses a field that the protocol buffer does not have.
func unknownName(at string) func(string) *refusal {
	where := ""
	if at != "" {
		where = " at '" + at + "'"
	}
	return func(name string) *refusal {
		return argument("Invalid JSON payload received. Unknown name \"" + name + "\"" + where + ": Cannot find field.")
	}
}

func (gemini) canned(status int) *refusal {
	r := &refusal{status: status, kind: "UNKNOWN", message: "Error"}
	switch status {
	case http.StatusBadRequest:
		r.kind, r.message = "INVALID_ARGUMENT", "Request contains an invalid argument."
	case http.StatusUnauthorized:
		r.kind, r.message = "UNAUTHENTICATED", "Request had invalid authentication credentials."
	case http.StatusForbidden:
		r.kind, r.message = "PERMISSION_DENIED", "The caller does not have permission"
	case http.StatusNotFound:
		r.kind, r.message = "NOT_FOUND", "models/fake is not found for API version v1beta"
	case http.StatusTooManyRequests:
		r.kind, r.message = "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing details."
	case http.StatusInternalServerError:
		r.kind, r.message = "INTERNAL", "An internal error has occurred."
	case http.StatusServiceUnavailable:
		r.kind, r.message = "UNAVAILABLE", "The model is overloaded. Please try again later."
	case http.StatusGatewayTimeout:
		r.kind, r.message = "DEADLINE_EXCEEDED", "The request timed out. Please try again."
	}
	return r
}

func (gemini) failure(r *refusal) string {
	return encode(object{"error": object{"code": r.status, "message": r.message, "status": r.kind}})
}

func (gemini) failureFrame(r *refusal) frame { return frame{data: gemini{}.failure(r), crlf: true} }

func (gemini) modelList(names []string) string {
	models := []any{}
	for _, n := range append(names, "gemini-2.5-pro", "gemini-3.1-pro-preview") {
		models = append(models, object{"name": "models/" + n, "supportedGenerationMethods": []any{"generateContent"}})
	}
	return encode(object{"models": models})
}

// camel turns the snake_case spelling of a field into camelCase; Google takes both.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

// normal returns the message with every field in camelCase.
func normal(o object) object {
	out := make(object, len(o))
	for k, v := range o {
		out[camel(k)] = v
	}
	return out
}

var geminiTop = words(`contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent model store serviceTier`)

func (gemini) inspect(c *inspector, in *incoming) *Turn {
	if !geminiModel.MatchString(in.model) && !in.fake.knows(in.model) {
		c.refuse(&refusal{
			status: http.StatusNotFound, kind: "NOT_FOUND",
			message: "models/" + in.model + " is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.",
		})
	}
	if in.stream && in.URL.Query().Get("alt") != "sse" {
		c.refuse(argument("the stream was asked for without alt=sse"))
	}
	doc := normal(in.doc)
	if inner := obj(doc["generateContentRequest"]); inner != nil && len(doc) == 1 {
		doc = normal(inner) // a count
	}
	c.only(doc, geminiTop, unknownName(""))
	t := &Turn{Model: in.model, Stream: in.stream, Choices: 1}
	geminiTools(c, t, doc)
	geminiToolConfig(c, t, normal(obj(doc["toolConfig"])))
	geminiConfig(c, t, normal(obj(doc["generationConfig"])))
	geminiSystem(c, t, doc)
	geminiContents(c, t, list(doc["contents"]))
	return t
}

func (gemini) count(_ *incoming, n int) string { return encode(object{"totalTokens": n}) }

func geminiSystem(c *inspector, t *Turn, doc object) {
	system, given := doc["systemInstruction"]
	if !given {
		return
	}
	parts := list(obj(system)["parts"])
	if len(parts) == 0 {
		c.refuse(argument("* GenerateContentRequest.system_instruction.parts: contents.parts must not be empty."))
	}
	for _, v := range parts {
		t.System += str(obj(v)["text"])
	}
}

var geminiConfigFields = words(`candidateCount stopSequences maxOutputTokens temperature topP topK responseMimeType responseSchema
	responseJsonSchema responseFormat presencePenalty frequencyPenalty responseLogprobs logprobs enableEnhancedCivicAnswers seed
	responseModalities speechConfig thinkingConfig imageConfig mediaResolution`)

// maxStops is how many stop sequences Gemini takes.
const maxStops = 5

func geminiConfig(c *inspector, t *Turn, cfg object) {
	c.only(cfg, geminiConfigFields, unknownName("generation_config"))
	if n, ok := num(cfg["candidateCount"]); ok && n > 1 {
		t.Choices = int(n)
	}
	if len(list(cfg["stopSequences"])) > maxStops {
		c.refuse(argument("The number of stop sequences must not exceed 5."))
	}
	if cfg["responseJsonSchema"] != nil && cfg["responseSchema"] != nil {
		c.refuse(argument("Only one of response_schema and response_json_schema may be set."))
	}
	if cfg["responseSchema"] != nil {
		openAPISchema(c, obj(cfg["responseSchema"]), "generation_config.response_schema")
		t.Schema = obj(cfg["responseSchema"])
	}
	if cfg["responseJsonSchema"] != nil {
		jsonSchema(c, obj(cfg["responseJsonSchema"]), "generation_config.response_json_schema")
		t.Schema = obj(cfg["responseJsonSchema"])
	}
	json := str(cfg["responseMimeType"]) == "application/json"
	if t.Schema != nil && !json {
		c.refuse(argument("Response schema is only supported with response mime type 'application/json'."))
	}
	if json && len(t.Tools) > 0 && !third(t.Model) {
		c.refuse(argument("Function calling with a response mime type: 'application/json' is unsupported"))
	}
	t.JSON = json && t.Schema == nil
	if third(t.Model) && (cfg["presencePenalty"] != nil || cfg["frequencyPenalty"] != nil) {
		c.refuse(argument("Penalty is not enabled for this model"))
	}
	geminiThinking(c, t, normal(obj(cfg["thinkingConfig"])))
}

func geminiThinking(c *inspector, t *Turn, cfg object) {
	c.only(cfg, words("includeThoughts thinkingBudget thinkingLevel"), unknownName("generation_config.thinking_config"))
	t.Thinking = yes(cfg["includeThoughts"])
	budget, hasBudget := num(cfg["thinkingBudget"])
	level, hasLevel := cfg["thinkingLevel"]
	if hasBudget && hasLevel {
		c.refuse(argument("You can only set only one of thinking budget and thinking level."))
	}
	if hasLevel && !third(t.Model) {
		c.refuse(argument("Thinking level is not supported for this model."))
	}
	if hasLevel && !words("minimal low medium high")[strings.ToLower(str(level))] {
		c.refuse(argument("Invalid value at 'generation_config.thinking_config.thinking_level'"))
	}
	if hasBudget && budget == 0 && strings.Contains(t.Model, "pro") {
		c.refuse(argument("Budget 0 is invalid. This model only works in thinking mode."))
	}
	if hasBudget && budget > 0 && strings.Contains(t.Model, "-pro") && (budget < 128 || budget > 32768) {
		c.refuse(argument(sprintf("The thinking budget %v is invalid. Please choose a value between 128 and 32768.", budget)))
	}
}
