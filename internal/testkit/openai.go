package testkit

import (
	"net/http"
	"regexp"
)

// openAI is api.openai.com (wire-format specification §1).
type openAI struct{}

func (openAI) name() string                    { return "openai" }
func (openAI) failure(r *refusal) string       { return chatFailure(r) }
func (openAI) failureFrame(r *refusal) frame   { return frame{data: chatFailure(r)} }
func (openAI) modelList(names []string) string { return chatModels(append(names, "gpt-4o", "gpt-5")) }

func (openAI) route(in *incoming) operation {
	if op := (responsesAPI{}).route(in); op != opUnknown {
		return op
	}
	return chatRoute(in, "/v1")
}

func (openAI) authorise(in *incoming) *refusal {
	if bearer(in) == in.fake.key {
		return nil
	}
	bad := openAI{}.canned(http.StatusUnauthorized)
	bad.message = "Incorrect API key provided: " + bearer(in) + ". You can find your API key at https://platform.openai.com/account/api-keys."
	return bad
}

func (openAI) canned(status int) *refusal {
	switch status {
	case http.StatusUnauthorized:
		return &refusal{status: status, message: "Incorrect API key provided.", kind: "invalid_request_error", code: "invalid_api_key"}
	case http.StatusForbidden:
		return &refusal{status: status, message: "Country, region, or territory not supported", kind: "request_forbidden", code: "unsupported_country_region_territory"}
	case http.StatusNotFound:
		return &refusal{status: status, message: "The model does not exist or you do not have access to it.", kind: "invalid_request_error", code: "model_not_found"}
	case http.StatusTooManyRequests:
		return &refusal{status: status, message: "Rate limit reached for requests per min (RPM): Limit 3, Used 3, Requested 1.", kind: "requests", code: "rate_limit_exceeded"}
	case http.StatusBadRequest:
		return invalid("Invalid value for 'fake'.", "invalid_value", "fake")
	}
	return &refusal{status: status, message: "The server had an error while processing your request. Sorry about that!", kind: "server_error"}
}

var (
	openAITop = words(`model messages audio frequency_penalty function_call functions logit_bias logprobs
		max_completion_tokens max_tokens metadata modalities moderation n parallel_tool_calls prediction presence_penalty
		prompt_cache_key prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier
		seed service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user
		verbosity web_search_options`)
	openAIRoles = map[string]map[string]bool{
		"system": words("role content name"), "developer": words("role content name"), "user": words("role content name"),
		"assistant": words("role content name refusal audio annotations tool_calls function_call"),
		"tool":      words("role content tool_call_id"), "function": words("role content name"),
	}
	openAICall      = words("id type function custom")
	openAICallFn    = words("name arguments")
	openAITool      = words("type function custom")
	openAIToolFn    = words("name description parameters strict")
	openAIModel     = regexp.MustCompile(`^(gpt-|chatgpt-|o\d)`)
	openAIReasoning = regexp.MustCompile(`^(o\d|gpt-5)`)
	openAIToolName  = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	openAIParts     = map[string]map[string]bool{
		"text":        words("type text prompt_cache_breakpoint"),
		"image_url":   words("type image_url prompt_cache_breakpoint"),
		"input_audio": words("type input_audio prompt_cache_breakpoint"),
		"file":        words("type file prompt_cache_breakpoint"),
		"refusal":     words("type refusal"),
	}
)

// maxToolID is the longest tool-call id that OpenAI takes.
const maxToolID = 40

// maxTools is how many tools OpenAI and DeepSeek take.
const maxTools = 128

func (openAI) inspect(c *inspector, in *incoming) *Turn {
	doc := in.doc
	c.only(doc, openAITop, func(name string) *refusal {
		return invalid("Unrecognized request argument supplied: "+name, "", "")
	})
	openAIModelRules(c, in)
	openAIToolRules(c, doc)
	openAIFormatRules(c, in)
	if doc["stream_options"] != nil && !yes(doc["stream"]) {
		c.refuse(invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "", "stream_options"))
	}
	if doc["metadata"] != nil && !yes(doc["store"]) {
		c.refuse(invalid("The 'metadata' parameter is only allowed when 'store' is enabled.", "", "metadata"))
	}
	messages := list(doc["messages"])
	if len(messages) == 0 {
		c.refuse(invalid("Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "empty_array", "messages"))
	}
	for i, v := range messages {
		openAIMessage(c, i, obj(v))
	}
	pairing(c, messages)
	return chatTurn(in)
}

func openAIModelRules(c *inspector, in *incoming) {
	model := str(in.doc["model"])
	if !openAIModel.MatchString(model) && !in.fake.knows(model) {
		c.refuse(&refusal{
			status: http.StatusNotFound, message: "The model `" + model + "` does not exist or you do not have access to it.",
			kind: "invalid_request_error", code: "model_not_found",
		})
	}
	if !openAIReasoning.MatchString(model) {
		if in.doc["reasoning_effort"] != nil {
			c.refuse(invalid("Unrecognized request argument supplied: reasoning_effort", "", ""))
		}
		return
	}
	if in.doc["max_tokens"] != nil {
		c.refuse(invalid("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", "unsupported_parameter", "max_tokens"))
	}
	if n, ok := num(in.doc["temperature"]); ok && n != 1 {
		c.refuse(invalid(sprintf("Unsupported value: 'temperature' does not support %v with this model. Only the default (1) value is supported.", n), "unsupported_value", "temperature"))
	}
}

func openAIToolRules(c *inspector, doc object) {
	tools, given := doc["tools"]
	if given && tools != nil && len(list(tools)) == 0 {
		c.refuse(invalid("Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.", "empty_array", "tools"))
	}
	if len(list(tools)) > maxTools {
		c.refuse(invalid("Invalid 'tools': array too long. Expected an array with maximum length 128.", "array_above_max_length", "tools"))
	}
	for _, name := range []string{"tool_choice", "parallel_tool_calls"} {
		if doc[name] != nil && len(list(tools)) == 0 {
			c.refuse(invalid("Invalid value for '"+name+"': '"+name+"' is only allowed when 'tools' are specified.", "", name))
		}
	}
	for i, v := range list(tools) {
		openAIToolRule(c, sprintf("tools[%d]", i), obj(v))
	}
}

func openAIToolRule(c *inspector, at string, tool object) {
	c.only(tool, openAITool, unknownParameter(at))
	switch str(tool["type"]) {
	case "custom":
		return
	case "function":
	default:
		c.refuse(invalid(sprintf("Invalid value: '%s'. Supported values are: 'function' and 'custom'.", str(tool["type"])), "invalid_value", at+".type"))
	}
	fn := obj(tool["function"])
	c.only(fn, openAIToolFn, unknownParameter(at+".function"))
	if !openAIToolName.MatchString(str(fn["name"])) {
		c.refuse(invalid("Invalid '"+at+".function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.", "invalid_value", at+".function.name"))
	}
	if p, ok := fn["parameters"]; ok && p != nil && str(obj(p)["type"]) != "object" {
		c.refuse(invalid(sprintf("Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"'.", str(fn["name"])), "invalid_function_parameters", at+".function.parameters"))
	}
}

func unknownParameter(at string) func(string) *refusal {
	return func(name string) *refusal {
		param := at + "." + name
		return invalid("Unknown parameter: '"+param+"'.", "unknown_parameter", param)
	}
}

func openAIFormatRules(c *inspector, in *incoming) {
	format := obj(in.doc["response_format"])
	switch str(format["type"]) {
	case "", "text":
	case "json_object":
		wantsJSONWord(c, in)
	case "json_schema":
		schema := obj(format["json_schema"])
		if !openAIToolName.MatchString(str(schema["name"])) {
			c.refuse(invalid("Missing required parameter: 'response_format.json_schema.name'.", "missing_required_parameter", "response_format.json_schema.name"))
		}
		if yes(schema["strict"]) {
			strictSchema(c, obj(schema["schema"]))
		}
	default:
		c.refuse(invalid("Invalid value for 'response_format.type'.", "invalid_value", "response_format.type"))
	}
}

// strictSchema demands what OpenAI demands of strict schemas: closed objects.
func strictSchema(c *inspector, s object) {
	if typeOf(s) == "object" && s["properties"] != nil {
		if open, ok := s["additionalProperties"].(bool); !ok || open {
			c.refuse(invalid("Invalid schema for response_format: 'additionalProperties' is required to be supplied and to be false.", "", "response_format"))
		}
	}
	for _, p := range obj(s["properties"]) {
		if obj(p)["type"] != nil {
			strictSchema(c, obj(p))
		}
	}
}

func openAIMessage(c *inspector, i int, m object) {
	at := sprintf("messages[%d]", i)
	role := str(m["role"])
	known, ok := openAIRoles[role]
	if !ok {
		c.refuse(invalid("Invalid value: '"+role+"'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", "invalid_value", at+".role"))
		return
	}
	c.only(m, known, unknownParameter(at))
	openAIContent(c, at, role, m)
	for j, v := range list(m["tool_calls"]) {
		openAICallRule(c, sprintf("%s.tool_calls[%d]", at, j), obj(v))
	}
	if calls, given := m["tool_calls"]; given && len(list(calls)) == 0 {
		c.refuse(invalid("Invalid '"+at+".tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.", "empty_array", at+".tool_calls"))
	}
}

func openAIContent(c *inspector, at, role string, m object) {
	content, given := m["content"]
	silent := role == "assistant" && (m["tool_calls"] != nil || m["function_call"] != nil || m["refusal"] != nil || m["audio"] != nil)
	if !given || content == nil {
		if !silent && role != "function" {
			c.refuse(invalid("Invalid value for 'content': expected a string, got null.", "", at+".content"))
		}
		return
	}
	if _, ok := content.(string); ok {
		return
	}
	for j, v := range list(content) {
		part, where := obj(v), sprintf("%s.content[%d]", at, j)
		known, ok := openAIParts[str(part["type"])]
		if !ok || (role != "user" && str(part["type"]) != "text" && str(part["type"]) != "refusal") {
			c.refuse(invalid("Invalid value: '"+str(part["type"])+"'.", "invalid_value", where+".type"))
			continue
		}
		c.only(part, known, unknownParameter(where))
	}
}

func openAICallRule(c *inspector, at string, call object) {
	c.only(call, openAICall, unknownParameter(at))
	c.only(obj(call["function"]), openAICallFn, unknownParameter(at+".function"))
	id := str(call["id"])
	switch {
	case id == "":
		c.refuse(invalid("Missing required parameter: '"+at+".id'.", "missing_required_parameter", at+".id"))
	case len(id) > maxToolID:
		c.refuse(invalid(sprintf("Invalid '%s.id': string too long. Expected a string with maximum length %d, but got a string with length %d instead.", at, maxToolID, len(id)), "string_above_max_length", at+".id"))
	case str(call["type"]) == "custom":
	case str(call["type"]) != "function":
		c.refuse(invalid("Missing required parameter: '"+at+".type'.", "missing_required_parameter", at+".type"))
	default:
		if _, ok := obj(call["function"])["arguments"].(string); !ok {
			c.refuse(invalid("Invalid type for '"+at+".function.arguments': expected a string.", "invalid_type", at+".function.arguments"))
		}
	}
}

// pairing demands a tool message for every call, right after it.
func pairing(c *inspector, messages []any) {
	var open []string
	for i, v := range messages {
		m := obj(v)
		if str(m["role"]) == "tool" {
			open = answered(c, i, open, str(m["tool_call_id"]))
			continue
		}
		unanswered(c, i, open)
		open = nil
		for _, call := range list(m["tool_calls"]) {
			open = append(open, str(obj(call)["id"]))
		}
	}
	unanswered(c, len(messages)-1, open)
}

func answered(c *inspector, i int, open []string, id string) []string {
	for k, o := range open {
		if o == id {
			return append(open[:k:k], open[k+1:]...)
		}
	}
	c.refuse(invalid("Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", "", sprintf("messages.[%d].role", i)))
	return open
}

func unanswered(c *inspector, i int, open []string) {
	if len(open) > 0 {
		c.refuse(invalid("An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: "+join(open), "", sprintf("messages.[%d].role", i)))
	}
}

func (openAI) whole(in *incoming, t *Turn, r Reply) string {
	a := newChatAnswer(in, t, r, false)
	a.message["refusal"], a.message["annotations"] = nil, []any{}
	body := a.whole(t)
	body["service_tier"] = "default"
	return encode(body)
}

func (openAI) frames(in *incoming, t *Turn, r Reply) []frame {
	return chatFrames(newChatAnswer(in, t, r, false).chunks(t))
}
