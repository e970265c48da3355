package testkit

import (
	"net/http"
	"strings"
)

// deepSeek is api.deepseek.com (wire-format specification §4).
type deepSeek struct{}

func (deepSeek) name() string                  { return "deepseek" }
func (deepSeek) failure(r *refusal) string     { return chatFailure(r) }
func (deepSeek) failureFrame(r *refusal) frame { return frame{data: chatFailure(r)} }

func (deepSeek) route(in *incoming) operation {
	if op := (deepSeekMessages{}).route(in); op != opUnknown {
		return op
	}
	return chatRoute(in, "", "/v1", "/beta")
}

func (deepSeek) modelList(names []string) string {
	return chatModels(append(names, "deepseek-v4-flash", "deepseek-v4-pro"))
}

func (deepSeek) authorise(in *incoming) *refusal {
	if bearer(in) == in.fake.key {
		return nil
	}
	return deepSeek{}.canned(http.StatusUnauthorized)
}

func (deepSeek) canned(status int) *refusal {
	r := &refusal{status: status, kind: "invalid_request_error", code: "invalid_request_error"}
	switch status {
	case http.StatusUnauthorized:
		r.message, r.kind = "Authentication Fails, Your api key: ****fake is invalid", "authentication_error"
	case http.StatusPaymentRequired:
		r.message, r.kind = "Insufficient Balance", "unknown_error"
	case http.StatusTooManyRequests:
		r.message, r.kind = "Rate limit reached", "rate_limit_error"
	case http.StatusServiceUnavailable:
		r.message, r.kind, r.code = "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.", "service_unavailable_error", "service_unavailable_error"
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		r.message = "Invalid parameter"
	default:
		r.message, r.kind, r.code = "Internal Server Error", "server_error", "server_error"
	}
	return r
}

var deepSeekModels = words("deepseek-v4-flash deepseek-flash deepseek-v4-pro deepseek-v4-flash-vision-exp deepseek-chat deepseek-reasoner")

func (deepSeek) inspect(c *inspector, in *incoming) *Turn {
	model := str(in.doc["model"])
	if !deepSeekModels[model] && !in.fake.knows(model) {
		c.refuse(invalid("Model Not Exist", "invalid_request_error", ""))
	}
	messages := list(in.doc["messages"])
	if len(messages) == 0 {
		c.refuse(invalid("Empty input messages", "invalid_request_error", ""))
	}
	for i, v := range messages {
		deepSeekMessage(c, i, model, obj(v))
	}
	deepSeekTools(c, in.doc)
	deepSeekFormat(c, in)
	pairing(c, messages)
	t := chatTurn(in)
	t.Thinking = deepSeekThinks(model, in.doc)
	deepSeekReasoning(c, t, model, messages)
	return t
}

// deepSeekThinks says whether the model thinks: V4 does unless told not to.
func deepSeekThinks(model string, doc object) bool {
	switch str(obj(doc["thinking"])["type"]) {
	case "enabled":
		return true
	case "disabled":
		return false
	}
	return model != "deepseek-chat"
}

func deepSeekMessage(c *inspector, i int, model string, m object) {
	switch role := str(m["role"]); role {
	case "system", "user", "assistant", "tool":
	default:
		c.refuse(deserialize(sprintf("messages[%d].role: unknown variant `%s`, expected one of `system`, `user`, `assistant`, `tool`", i, role)))
	}
	for _, v := range list(m["content"]) {
		kind := str(obj(v)["type"])
		if kind != "text" && (kind != "image_url" || !strings.Contains(model, "vision")) {
			c.refuse(deserialize(sprintf("messages[%d]: unknown variant `%s`, expected `text`", i, kind)))
		}
	}
	for _, v := range list(m["tool_calls"]) {
		call := obj(v)
		if str(call["id"]) == "" || str(call["type"]) != "function" {
			c.refuse(deserialize(sprintf("messages[%d]: tool_calls: missing field `id` or `type`", i)))
		}
		if _, ok := obj(call["function"])["arguments"].(string); !ok {
			c.refuse(deserialize(sprintf("messages[%d]: tool_calls: invalid type for `arguments`, expected a string", i)))
		}
	}
}

func deserialize(what string) *refusal {
	return invalid("Failed to deserialize the JSON body into the target type: "+what+" at line 1 column 1", "invalid_request_error", "")
}

func deepSeekTools(c *inspector, doc object) {
	tools := list(doc["tools"])
	if len(tools) > maxTools {
		c.refuse(invalid("Invalid 'tools': array too long. Expected an array with maximum length 128.", "invalid_request_error", ""))
	}
	for i, v := range tools {
		if kind := str(obj(v)["type"]); kind != "function" {
			c.refuse(deserialize(sprintf("tools[%d].type: unknown variant `%s`, expected `function`", i, kind)))
		}
		if name := str(obj(obj(v)["function"])["name"]); !openAIToolName.MatchString(name) {
			c.refuse(invalid(sprintf("Invalid 'tools[%d].function.name': string does not match pattern.", i), "invalid_request_error", ""))
		}
	}
}

func deepSeekFormat(c *inspector, in *incoming) {
	switch str(obj(in.doc["response_format"])["type"]) {
	case "", "text":
	case "json_object":
		wantsJSONWord(c, in)
	default:
		c.refuse(invalid("This response_format type is unavailable now", "invalid_request_error", ""))
	}
}

// deepSeekReasoning demands reasoning_content back in a tool loop of a thinking
// model, even when it was empty; an R1 endpoint refuses it altogether.
func deepSeekReasoning(c *inspector, t *Turn, model string, messages []any) {
	for i, v := range messages {
		m := obj(v)
		text, given := m["reasoning_content"].(string)
		if given {
			c.state.Thinking++
		}
		switch {
		case given && strings.Contains(model, "r1"):
			c.refuse(invalid(sprintf("messages[%d]: reasoning_content is not allowed in the input of this model.", i), "invalid_request_error", ""))
		case t.Thinking && !strings.Contains(model, "r1") && str(m["role"]) == "assistant" && len(list(m["tool_calls"])) > 0 && !given:
			c.refuse(invalid("The reasoning_content in the thinking mode must be passed back to the API.", "invalid_request_error", ""))
		}
		if given && strings.TrimSpace(text) == "" {
			c.state.Placeholders++
		}
	}
}

func (deepSeek) whole(in *incoming, t *Turn, r Reply) string {
	return encode(deepSeekAnswer(in, t, &r).whole(t))
}

func (deepSeek) frames(in *incoming, t *Turn, r Reply) []frame {
	chunks := deepSeekAnswer(in, t, &r).chunks(t)
	return chatFrames(chunks)
}

func deepSeekAnswer(in *incoming, t *Turn, r *Reply) chatAnswer {
	if t.Thinking && r.Thinking == "" {
		r.Thinking = "Thinking about it."
	}
	a := newChatAnswer(in, t, *r, t.Thinking)
	u := r.Usage.filled(in, *r)
	a.usage["prompt_cache_hit_tokens"], a.usage["prompt_cache_miss_tokens"] = u.CacheRead, u.Input-u.CacheRead
	if a.message["content"] == nil {
		a.message["content"] = ""
	}
	return a
}
