package testkit

import (
	"net/http"
	"slices"
	"strings"
)

// responsesAPI is OpenAI's Responses (wire-format specification §5.3). It keeps no
// conversations, so that previous_response_id is refused as an unknown one is, but
// it remembers what it gave out.
type responsesAPI struct{ openAI }

const responsesPath = "/v1/responses"

func (responsesAPI) name() string { return "openai responses" }

func (responsesAPI) route(in *incoming) operation {
	if in.Method != http.MethodPost {
		return opUnknown
	}
	switch in.URL.Path {
	case responsesPath, responsesPath + "/input_tokens":
	default:
		return opUnknown
	}
	if in.fake.chatOnly {
		return opAbsent
	}
	in.family = responsesAPI{}
	if in.URL.Path != responsesPath {
		return opCount
	}
	return opAnswer
}

func (responsesAPI) count(_ *incoming, n int) string {
	return encode(object{"object": "response.input_tokens", "input_tokens": n})
}

func (responsesAPI) failureFrame(r *refusal) frame {
	code := r.code
	if code == "" {
		code = r.kind
	}
	return event("error", object{"code": code, "message": r.message, "param": nil, "sequence_number": 99})
}

var (
	responsesTop = words(`model input instructions tools tool_choice parallel_tool_calls previous_response_id conversation store include
		reasoning text max_output_tokens max_tool_calls temperature top_p top_logprobs truncation metadata user safety_identifier prompt
		prompt_cache_key prompt_cache_options prompt_cache_retention service_tier background background_options context_management stream
		stream_options moderation access_programs client_metadata`)
	responsesTools = words(`function custom namespace web_search web_search_preview file_search code_interpreter image_generation mcp
		computer_use_preview local_shell shell apply_patch tool_search`)
	responsesFunction = words("type name description parameters strict defer_loading")
	responsesInclude  = words(`reasoning.encrypted_content file_search_call.results message.input_image.image_url
		computer_call_output.output.image_url message.output_text.logprobs code_interpreter_call.outputs web_search_call.action.sources`)
)

// minOutput is the smallest max_output_tokens.
const minOutput = 16

func (responsesAPI) inspect(c *inspector, in *incoming) *Turn {
	doc := in.doc
	c.only(doc, responsesTop, func(name string) *refusal {
		return invalid("Unknown parameter: '"+name+"'.", "unknown_parameter", name)
	})
	openAIModelRules(c, &incoming{fake: in.fake, doc: object{"model": doc["model"], "temperature": doc["temperature"]}})
	responsesReasoning(c, doc)
	responsesOptions(c, doc)
	responsesFormat(c, in)
	for i, v := range list(doc["tools"]) {
		responsesTool(c, sprintf("tools[%d]", i), obj(v))
	}
	t := &Turn{Model: str(doc["model"]), Stream: yes(doc["stream"]), Choices: 1, System: str(doc["instructions"])}
	t.Thinking = openAIReasoning.MatchString(t.Model)
	t.Tools = responsesToolList(list(doc["tools"]))
	t.Forced = responsesForced(doc["tool_choice"])
	format := obj(obj(doc["text"])["format"])
	t.Schema, t.JSON = obj(format["schema"]), str(format["type"]) == "json_object"
	responsesInput(c, in, t)
	return t
}

func responsesReasoning(c *inspector, doc object) {
	reasoning, given := doc["reasoning"]
	c.only(obj(reasoning), words("effort summary generate_summary context"), unknownParameter("reasoning"))
	if given && obj(reasoning)["effort"] != nil && !openAIReasoning.MatchString(str(doc["model"])) {
		c.refuse(invalid("Unsupported parameter: 'reasoning.effort' is not supported with this model.", "unsupported_parameter", "reasoning.effort"))
	}
	if effort := str(obj(reasoning)["effort"]); effort != "" && !words("none minimal low medium high xhigh")[effort] {
		c.refuse(invalid("Invalid value: '"+effort+"'.", "invalid_value", "reasoning.effort"))
	}
}

func responsesOptions(c *inspector, doc object) {
	c.only(obj(doc["text"]), words("format verbosity"), unknownParameter("text"))
	c.only(obj(doc["stream_options"]), words("include_obfuscation"), unknownParameter("stream_options"))
	if n, ok := num(doc["max_output_tokens"]); ok && n < minOutput {
		c.refuse(invalid("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.", "integer_below_min_value", "max_output_tokens"))
	}
	for i, v := range list(doc["include"]) {
		if !responsesInclude[str(v)] {
			c.refuse(invalid("Invalid value: '"+str(v)+"'.", "invalid_value", sprintf("include[%d]", i)))
		}
	}
	if id := str(doc["previous_response_id"]); id != "" {
		c.refuse(invalid("Previous response with id '"+id+"' not found.", "previous_response_not_found", "previous_response_id"))
	}
	if doc["tool_choice"] != nil && str(doc["tool_choice"]) != "auto" && str(doc["tool_choice"]) != "none" && len(list(doc["tools"])) == 0 {
		c.refuse(invalid("Tool choice '"+encode(doc["tool_choice"])+"' must be specified with 'tools' parameter.", "", "tool_choice"))
	}
}

func responsesFormat(c *inspector, in *incoming) {
	format := obj(obj(in.doc["text"])["format"])
	switch kind := str(format["type"]); kind {
	case "", "text":
	case "json_object":
		if !strings.Contains(strings.ToLower(encode(in.doc["input"])), "json") {
			c.refuse(invalid("Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.", "", "input"))
		}
	case "json_schema":
		c.only(format, words("type name schema strict description"), unknownParameter("text.format"))
		if !openAIToolName.MatchString(str(format["name"])) {
			c.refuse(invalid("Missing required parameter: 'text.format.name'.", "missing_required_parameter", "text.format.name"))
		}
		if yes(format["strict"]) {
			strictSchema(c, obj(format["schema"]))
		}
	default:
		c.refuse(invalid("Invalid value: '"+kind+"'.", "invalid_value", "text.format.type"))
	}
}

func responsesTool(c *inspector, at string, tool object) {
	kind := str(tool["type"])
	if !responsesTools[kind] {
		c.refuse(invalid("Invalid value: '"+kind+"'.", "invalid_value", at+".type"))
		return
	}
	switch kind {
	case "function":
		c.only(tool, responsesFunction, unknownParameter(at))
		if p := tool["parameters"]; p != nil && str(obj(p)["type"]) != "object" {
			c.refuse(invalid(sprintf("Invalid schema for function '%s': schema must be a JSON Schema of 'type: \"object\"'.", str(tool["name"])), "invalid_function_parameters", at+".parameters"))
		}
	case "namespace":
		for i, v := range list(tool["tools"]) {
			responsesTool(c, sprintf("%s.tools[%d]", at, i), obj(v))
		}
	case "custom":
		c.only(tool, words("type name description format defer_loading"), unknownParameter(at))
	default:
		return
	}
	if !openAIToolName.MatchString(str(tool["name"])) {
		c.refuse(invalid("Missing required parameter: '"+at+".name'.", "missing_required_parameter", at+".name"))
	}
}

func responsesToolList(tools []any) []Tool {
	var out []Tool
	for _, v := range tools {
		tool := obj(v)
		if str(tool["type"]) == "namespace" {
			out = append(out, responsesToolList(list(tool["tools"]))...)
			continue
		}
		out = append(out, Tool{Name: str(tool["name"]), Schema: obj(tool["parameters"])})
	}
	return out
}

func responsesForced(choice any) string {
	if str(choice) == "required" {
		return "*"
	}
	return str(obj(choice)["name"])
}

// thought is what a reasoning model thinks: a summary to show, and state that only
// this account can read.
func (responsesAPI) thought(in *incoming, t *Turn, r Reply) object {
	out := object{"type": "reasoning", "id": in.fake.seal.id("rs_fake"), "summary": []any{}}
	if wanted := str(obj(in.doc["reasoning"])["summary"]); wanted != "" {
		text := r.Thinking
		if text == "" {
			text = "Thinking about it."
		}
		out["summary"] = []any{object{"type": "summary_text", "text": text}}
	}
	if slices.Contains(list(in.doc["include"]), any("reasoning.encrypted_content")) {
		out["encrypted_content"] = in.fake.seal.sign("encrypted", str(out["id"]))
	}
	return out
}
