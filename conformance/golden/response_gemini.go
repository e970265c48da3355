package golden

import (
	"slices"
	"strings"
)

func (r reading) geminiBody(body any) any {
	switch b := body.(type) {
	case object:
		return geminiResponse(b)
	case []any:
		out, _ := r.geminiStream(dump(b))
		return out
	case string:
		if strings.Contains(r.path, "stream") {
			out, _ := r.geminiStream(b)
			return out
		}
	}
	return body
}

func geminiResponse(b object) object {
	if _, ok := b["candidates"]; !ok {
		if o := pick(b, "totalTokens", "embedding", "embeddings", "promptFeedback", "models"); len(o) > 0 {
			return pruneObject(o)
		}
		return pruneObject(b)
	}
	candidates := []any{}
	for _, c := range objects(b["candidates"]) {
		content := obj(c["content"])
		candidates = append(candidates, object{
			"index": position(c["index"]), "role": content["role"], "parts": mergeParts(objects(content["parts"])), "finishReason": c["finishReason"],
		})
	}
	usage := pickTruthy(obj(b["usageMetadata"]), "promptTokenCount", "candidatesTokenCount", "totalTokenCount", "thoughtsTokenCount", "cachedContentTokenCount")
	return object{"candidates": candidates, "usage": usage}
}

// position of a candidate; the first one may leave it out.
func position(index any) any {
	if index == nil {
		return 0.0
	}
	return index
}

// mergeParts joins neighbouring texts of the same kind; a signature ends a text.
func mergeParts(parts []object) []any {
	out := []any{}
	var last object
	for _, raw := range parts {
		p := obj(camelCase(prune(raw)))
		if s, ok := p["thoughtSignature"]; ok {
			p["thoughtSignature"] = base64Value(s)
		}
		if p["text"] == "" && len(p) == 1 {
			continue
		}
		if joins(last, p) {
			last["text"] = str(last["text"]) + str(p["text"])
			if s, ok := p["thoughtSignature"]; ok {
				last["thoughtSignature"] = s
			}
			continue
		}
		delete(obj(p["functionCall"]), "id")
		out = append(out, p)
		last = p
	}
	return out
}

func joins(last, p object) bool {
	_, a := last["text"]
	_, b := p["text"]
	_, signed := last["thoughtSignature"]
	return a && b && !signed && truthy(last["thought"]) == truthy(p["thought"])
}

// geminiStream reads server-sent events or the JSON array that streams without alt=sse are.
func (r reading) geminiStream(text string) (any, kept) {
	rules := kept{}
	var chunks []object
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		t, _ := decodeString(text)
		chunks = objects(t)
		rules["JSON array or SSE"] = true
	} else {
		events, _ := parseEvents(text)
		rules[ruleNoDone] = !hasDone(events)
		for _, e := range streamObjects(events, rules) {
			chunks = append(chunks, e.object)
		}
	}
	return assembleGemini(chunks), rules
}

func assembleGemini(chunks []object) object {
	var usage, err any
	candidates := map[float64]object{}
	for _, c := range chunks {
		if _, ok := c["candidates"]; !ok && c["error"] != nil {
			err = c["error"]
			continue
		}
		usage = firstTruthy(c["usageMetadata"], usage)
		for _, x := range objects(c["candidates"]) {
			addCandidate(candidates, x)
		}
	}
	o := geminiResponse(object{"candidates": sortedCandidates(candidates), "usageMetadata": usage})
	if err != nil {
		o["error"] = object{"code": get(err, "code")}
	}
	return o
}

func addCandidate(all map[float64]object, x object) {
	i := num(x["index"])
	if all[i] == nil {
		all[i] = object{"index": i, "content": object{"parts": []any{}}}
	}
	content := obj(all[i]["content"])
	content["parts"] = append(list(content["parts"]), list(get(x, "content", "parts"))...)
	content["role"] = firstTruthy(content["role"], get(x, "content", "role"))
	all[i]["finishReason"] = firstTruthy(x["finishReason"], all[i]["finishReason"])
}

func sortedCandidates(all map[float64]object) []any {
	indexes := make([]float64, 0, len(all))
	for i := range all {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	out := []any{}
	for _, i := range indexes {
		out = append(out, all[i])
	}
	return out
}
