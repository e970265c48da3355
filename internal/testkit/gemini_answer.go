package testkit

// geminiParts are the parts of an answer. Generation 3 signs the first call of an
// answer, or else its last part (rules G2, G3, G8).
func geminiParts(in *incoming, t *Turn, r Reply) []object {
	var parts []object
	if t.Thinking && r.Thinking != "" {
		parts = append(parts, object{"text": r.Thinking, "thought": true})
	}
	if r.Text != "" || len(r.Calls) == 0 {
		parts = append(parts, object{"text": r.Text})
	}
	for i, call := range r.Calls {
		part := object{"functionCall": geminiCallOut(in, t, call)}
		if i == 0 && third(t.Model) && !r.LateSignature {
			part["thoughtSignature"] = in.fake.seal.signature()
		}
		parts = append(parts, part)
	}
	if third(t.Model) && (len(r.Calls) == 0 || r.LateSignature) {
		parts = append(parts, object{"text": "", "thoughtSignature": in.fake.seal.signature()})
	}
	return parts
}

func geminiCallOut(in *incoming, t *Turn, call Call) object {
	out := object{"name": call.Name}
	if call.Args != "" {
		args, err := decode([]byte(call.Args))
		if err != nil {
			panic("testkit: the arguments of a scripted call must be a JSON object: " + call.Args)
		}
		out["args"] = args
	}
	switch {
	case call.ID != "":
		out["id"] = call.ID
	case third(t.Model):
		out["id"] = in.fake.seal.id("fcid")
	}
	return out
}

func geminiFinish(r Reply) string {
	switch r.Finish {
	case "":
		return "STOP"
	case "length":
		return "MAX_TOKENS"
	}
	return r.Finish
}

func geminiUsage(in *incoming, r Reply) object {
	u := r.Usage.filled(in, r)
	out := object{
		"promptTokenCount": u.Input, "candidatesTokenCount": u.Output, "totalTokenCount": u.Input + u.Output + u.Reasoning,
		"promptTokensDetails": []any{object{"modality": "TEXT", "tokenCount": u.Input}},
	}
	if u.Reasoning > 0 {
		out["thoughtsTokenCount"] = u.Reasoning
	}
	if u.CacheRead > 0 {
		out["cachedContentTokenCount"] = u.CacheRead
	}
	return out
}

func (gemini) whole(in *incoming, t *Turn, r Reply) string {
	body := geminiEnvelope(in, t, r)
	var candidates []any
	for i := range t.Choices {
		candidates = append(candidates, object{
			"content": object{"role": "model", "parts": geminiParts(in, t, r)}, "finishReason": geminiFinish(r), "index": i,
		})
	}
	body["candidates"] = candidates
	return encode(body)
}

func geminiEnvelope(in *incoming, t *Turn, r Reply) object {
	return object{"usageMetadata": geminiUsage(in, r), "modelVersion": t.Model, "responseId": in.fake.seal.id("resp")}
}

// frames sends each part in a chunk of its own, text in pieces.
func (gemini) frames(in *incoming, t *Turn, r Reply) []frame {
	var parts []object
	for _, p := range geminiParts(in, t, r) {
		text := str(p["text"])
		if p["thoughtSignature"] != nil || p["functionCall"] != nil || text == "" {
			parts = append(parts, p)
			continue
		}
		for _, piece := range pieces(text, 4) {
			part := object{"text": piece}
			if yes(p["thought"]) {
				part["thought"] = true
			}
			parts = append(parts, part)
		}
	}
	envelope := geminiEnvelope(in, t, r)
	var out []frame
	for i, p := range parts {
		candidate := object{"content": object{"role": "model", "parts": []any{p}}, "index": 0}
		if i == len(parts)-1 {
			candidate["finishReason"] = geminiFinish(r)
		}
		envelope["candidates"] = []any{candidate}
		out = append(out, frame{data: encode(envelope), crlf: true})
	}
	return out
}
