package golden

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// surface is the API that a client's request speaks, told by its path.
type surface int

const (
	otherSurface surface = iota
	chatSurface
	completionsSurface
	messagesSurface
	responsesSurface
	geminiSurface
	passthroughSurface
)

var geminiRoute = regexp.MustCompile(`/models/.+:\w+$`)

func surfaceOf(path string) surface {
	p, _, _ := strings.Cut(path, "?")
	switch {
	case isPassthrough(p):
		return passthroughSurface
	case strings.HasSuffix(p, "/chat/completions"):
		return chatSurface
	case strings.HasSuffix(p, "/completions"):
		return completionsSurface
	case strings.HasSuffix(p, "/messages"), strings.HasSuffix(p, "/count_tokens"):
		return messagesSurface
	case strings.Contains(p, "/responses"):
		return responsesSurface
	case geminiRoute.MatchString(p):
		return geminiSurface
	}
	return otherSurface
}

func isPassthrough(path string) bool {
	if strings.HasPrefix(path, "/openai/deployments") {
		return false
	}
	return slices.ContainsFunc([]string{"/gemini/", "/anthropic/", "/openai", "/vertex"}, func(p string) bool { return strings.HasPrefix(path, p) })
}

// reading is how one vector's answers are read.
type reading struct {
	path         string
	surface      surface
	includeUsage bool   // the client asked for usage in the stream
	upstream     format // format of the last upstream call
}

// countsReasoning: what Anthropic's reasoning tokens are is anybody's estimate.
func (r reading) countsReasoning() bool { return r.upstream != anthropicFormat }

func (v *Vector) reading() reading {
	r := reading{path: v.Request.Path, surface: surfaceOf(v.Request.Path)}
	r.includeUsage = truthy(get(tree(v.Request.Body), "stream_options", "include_usage"))
	if n := len(v.Upstream); n > 0 {
		r.upstream = formatOf(v.Upstream[n-1].Request.Path)
	}
	return r
}

var looksLikeStream = regexp.MustCompile(`^\s*(data|event|:)`)

// canonicalAnswer reduces an answer to what it means, with the protocol rules it keeps when it is a stream.
func canonicalAnswer(r reading, a Answer) (object, kept) {
	body := tree(a.Body)
	if r.surface == passthroughSurface {
		return canonicalPassthrough(a, body)
	}
	if a.Status >= 400 || a.Status == 0 {
		return canonicalError(a.Status, body, r.surface), nil
	}
	text, isText := body.(string)
	if stream := isText && (isEventStream(a) || looksLikeStream.MatchString(text)); stream {
		out, rules := r.stream(text)
		rules[ruleContentType] = isEventStream(a)
		return object{"status": float64(a.Status), "stream": out}, rules
	}
	return object{"status": float64(a.Status), "body": r.whole(body)}, nil
}

func isEventStream(a Answer) bool {
	return strings.Contains(a.Headers["content-type"], "text/event-stream")
}

func (r reading) stream(text string) (any, kept) {
	switch r.surface {
	case chatSurface:
		return r.chatStream(text)
	case completionsSurface:
		return completionsStream(text)
	case messagesSurface:
		return r.messagesStream(text)
	case responsesSurface:
		return r.responsesStream(text)
	case geminiSurface:
		return r.geminiStream(text)
	}
	return canonicalOther(text, r.path), kept{}
}

func (r reading) whole(body any) any {
	switch r.surface {
	case chatSurface:
		return r.chatBody(body)
	case completionsSurface:
		return r.completions(body)
	case messagesSurface:
		return r.messages(body)
	case responsesSurface:
		return r.responses(body)
	case geminiSurface:
		return r.geminiBody(body)
	}
	return canonicalOther(body, r.path)
}

// canonicalPassthrough compares bytes that should not have been touched, except the gateway's own errors.
func canonicalPassthrough(a Answer, body any) (object, kept) {
	text, isText := body.(string)
	if isText && strings.Contains(text, "data:") {
		events, _ := parseEvents(text)
		var out []any
		for _, e := range events {
			data, ok := decodeString(e.data)
			if !ok {
				data = e.data
			}
			out = append(out, []any{e.name, data})
		}
		return object{"status": float64(a.Status), "events": out}, kept{ruleContentType: isEventStream(a)}
	}
	if _, isObject := body.(object); a.Status >= 400 && isObject && strings.Contains(dump(body), "litellm") {
		return canonicalError(a.Status, body, passthroughSurface), nil
	}
	return object{"status": float64(a.Status), "body": body}, nil
}

// canonicalError keeps status, shape, type, code and param; the message must only be there.
func canonicalError(status int, body any, s surface) object {
	o := object{"status": float64(status)}
	b := obj(body)
	switch e := b["error"].(type) {
	case object:
		errorShape(o, b, e, s)
		o["message"] = truthy(e["message"])
	case string:
		o["shape"], o["message"] = "string", e != ""
	default:
		o["shape"] = plainErrorShape(body)
	}
	return o
}

func errorShape(o, body, e object, s surface) {
	_, hasCode := e["code"]
	_, hasStatus := e["status"]
	_, numeric := e["code"].(float64)
	switch {
	case body["type"] == "error" || s == messagesSurface && !hasCode:
		o["shape"], o["type"] = "anthropic", e["type"]
	case hasStatus && numeric:
		o["shape"], o["code"], o["gstatus"] = "google", e["code"], e["status"]
	default:
		o["shape"], o["type"], o["code"], o["param"] = "openai", e["type"], e["code"], e["param"]
	}
}

func plainErrorShape(body any) string {
	if _, ok := obj(body)["detail"]; ok {
		return "detail"
	}
	if truthy(body) {
		return "text"
	}
	return "empty"
}

// canonicalOther reduces answers of the small routes: lists of models by their plain names, health by its word.
func canonicalOther(body any, path string) any {
	p, _, _ := strings.Cut(path, "?")
	b, isObject := body.(object)
	switch {
	case strings.HasPrefix(p, "/health/live"):
		return object{"alive": body != nil}
	case strings.HasPrefix(p, "/metrics"):
		_, isText := body.(string)
		return object{"text": isText}
	case !isObject:
		return body
	case b["object"] == "list" && strings.Contains(p, "models"):
		return object{"object": "list", "models": names(b["data"], "id", "object")}
	case strings.HasSuffix(p, "/model/info"):
		return object{"models": deployments(b["data"])}
	case strings.HasSuffix(p, "model_group/info"):
		return object{"groups": names(b["data"], "model_group")}
	case strings.HasPrefix(p, "/health/read"):
		return object{"status": b["status"]}
	case strings.Contains(p, "embeddings"):
		u := obj(b["usage"])
		return object{"object": b["object"], "model": b["model"], "data": prune(b["data"]), "usage": pick(u, "prompt_tokens", "total_tokens")}
	case b["object"] == "model":
		return object{"id": b["id"], "object": "model"}
	}
	rest := pruneObject(b)
	remove(rest, "id", "created", "created_at", "usage")
	return rest
}

var unlisted = regexp.MustCompile(`/|-(tcp)?drop$`) // wildcard expansions and deployments of faults

func names(data any, keys ...string) any {
	out := object{}
	for _, d := range objects(data) {
		values := make([]string, len(keys))
		for i, k := range keys {
			values[i] = str(d[k])
		}
		if !unlisted.MatchString(values[0]) {
			out[strings.Join(values, " ")] = true
		}
	}
	return out
}

func deployments(data any) any {
	out := object{}
	for _, d := range objects(data) {
		if name := str(d["model_name"]); !unlisted.MatchString(name) {
			out[name+" "+str(get(d, "litellm_params", "model"))] = true
		}
	}
	return out
}

// fakeKeys are the secrets of configurations, requests and environment that no error may show.
var fakeKeys = []string{
	"sk-fake-openai", "sk-fake-anthropic", "sk-fake-gemini", "sk-fake-deepseek", "sk-fake-star",
	"sk-golden-0123456789abcdef", "sk-env-openai", "sk-env-anthropic", "sk-env-gemini",
}

const secretRule = "no secret in the answer"

func leakedSecrets(body json.RawMessage) []Difference {
	var out []Difference
	for _, k := range fakeKeys {
		if strings.Contains(string(body), k) {
			out = append(out, Difference{"/body", secretRule, "contains " + k})
		}
	}
	return out
}
