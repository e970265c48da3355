package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response writes a whole answer. One that came in this format goes out as it came.
func (Dialect) Response(_ *llm.Request, resp *llm.Response, a wire.Answer) []byte {
	if resp.Body != nil {
		return resp.Body
	}
	dst := append(a.Room, `{"candidates":[`...)
	for i := range resp.Choices {
		dst = appendCandidate(rawjson.AppendComma(dst), &resp.Choices[i])
	}
	dst = append(dst, ']')
	if resp.Usage != nil {
		dst = appendUsage(dst, resp.Usage)
	}
	dst = rawjson.AppendStringMember(dst, "modelVersion", a.Model)
	dst = rawjson.AppendStringMember(dst, "responseId", responseID(resp.ID, a))
	return append(dst, '}')
}

func responseID(id string, a wire.Answer) string {
	if id == "" {
		return a.CallID
	}
	return id
}

func appendCandidate(dst []byte, c *llm.Choice) []byte {
	dst = append(dst, `{"content":{"parts":[`...)
	for i := range c.Parts {
		dst = appendPart(dst, &c.Parts[i])
	}
	dst = append(dst, `],"role":"model"},"finishReason":"`...)
	dst = append(append(dst, finishReason(c.Finish)...), `","index":`...)
	dst = rawjson.AppendInt(dst, int64(c.Index))
	dst = appendCitations(dst, c.Annotations)
	dst = appendLogprobs(dst, c.Logprobs)
	return append(dst, '}')
}

// finishReason translates a finish; calls end with STOP here.
func finishReason(f llm.Finish) string {
	switch f {
	case llm.FinishLength:
		return "MAX_TOKENS"
	case llm.FinishContentFilter:
		return "SAFETY"
	}
	return "STOP"
}

// appendPart appends a part of an answer with its comma; one that says nothing is
// left out.
func appendPart(dst []byte, p *llm.Part) []byte {
	switch p.Kind {
	case llm.PartText, llm.PartRefusal:
		return appendAnswerText(dst, p.Text, false, p.State)
	case llm.PartThinking:
		return appendAnswerText(dst, p.Text, true, p.State)
	case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
		return appendAnswerMedia(dst, p.Media, p.State)
	case llm.PartToolCall:
		if p.Call != nil && !p.Call.Server {
			return appendAnswerCall(dst, p.Call, p.Call.Arguments, p.State)
		}
	}
	return dst
}

func appendAnswerText(dst []byte, text string, thought bool, st *llm.State) []byte {
	sig := carrier(st)
	if text == "" && sig == "" {
		return dst
	}
	dst = append(rawjson.AppendComma(dst), `{"text":`...)
	dst = rawjson.AppendString(dst, text)
	if thought {
		dst = append(dst, `,"thought":true`...)
	}
	return appendCarrier(dst, sig)
}

// appendCarrier closes a part, with its signature if it has one.
func appendCarrier(dst []byte, sig string) []byte {
	if sig != "" {
		dst = rawjson.AppendStringMember(dst, "thoughtSignature", sig)
	}
	return append(dst, '}')
}

func appendAnswerCall(dst []byte, c *llm.ToolCall, arguments string, st *llm.State) []byte {
	dst = append(rawjson.AppendComma(dst), `{"functionCall":{`...)
	if c.ID != "" {
		dst = rawjson.AppendStringMember(dst, "id", c.ID)
	}
	dst = rawjson.AppendStringMember(dst, "name", c.Name)
	dst = appendArgs(append(dst, `,"args":`...), arguments)
	return appendCarrier(append(dst, '}'), carrier(st))
}

func appendAnswerMedia(dst []byte, m *llm.Media, st *llm.State) []byte {
	if m == nil {
		return dst
	}
	mime, data := m.MIME, m.Data
	if d, ok := dataURL(m.URL); ok && data == "" {
		mime, data = d.MIME, d.Data
	}
	switch {
	case data != "":
		dst = append(rawjson.AppendComma(dst), `{"inlineData":{"mimeType":`...)
		dst = rawjson.AppendString(dst, mime)
		dst = rawjson.AppendStringMember(dst, "data", data)
	case m.URL != "":
		dst = append(rawjson.AppendComma(dst), `{"fileData":{"fileUri":`...)
		dst = rawjson.AppendString(dst, m.URL)
		if mime != "" {
			dst = rawjson.AppendStringMember(dst, "mimeType", mime)
		}
	default:
		return dst
	}
	return appendCarrier(append(dst, '}'), carrier(st))
}

// appendUsage appends usageMetadata. Thoughts count beside the candidates' tokens
// here, not among them.
func appendUsage(dst []byte, u *llm.Usage) []byte {
	dst = append(rawjson.AppendKey(dst, "usageMetadata"), '{')
	dst = rawjson.AppendIntMember(dst, "promptTokenCount", u.Input)
	dst = rawjson.AppendIntMember(dst, "candidatesTokenCount", max(u.Output-u.Reasoning, 0))
	total := u.Total
	if total == 0 {
		total = u.Input + u.Output
	}
	dst = rawjson.AppendIntMember(dst, "totalTokenCount", total)
	if u.CacheRead > 0 {
		dst = rawjson.AppendIntMember(dst, "cachedContentTokenCount", u.CacheRead)
	}
	if u.Reasoning > 0 {
		dst = rawjson.AppendIntMember(dst, "thoughtsTokenCount", u.Reasoning)
	}
	return append(dst, '}')
}

// appendCitations writes the sources of an answer.
func appendCitations(dst []byte, annotations rawjson.Value) []byte {
	mark := len(dst)
	dst = append(dst, `,"citationMetadata":{"citationSources":[`...)
	start := len(dst)
	for _, v := range annotations.Elems() {
		c := v.Get("url_citation")
		if c.Kind() != '{' {
			continue
		}
		dst = append(rawjson.AppendComma(dst), '{')
		for _, name := range [][2]string{{"start_index", "startIndex"}, {"end_index", "endIndex"}, {"url", "uri"}, {"title", "title"}} {
			dst = rawjson.AppendMember(dst, name[1], c.Get(name[0]))
		}
		dst = append(dst, '}')
	}
	if len(dst) == start {
		return dst[:mark]
	}
	return append(dst, "]}"...)
}

// appendLogprobs turns the log probabilities of Chat Completions into
// logprobsResult.
func appendLogprobs(dst []byte, v rawjson.Value) []byte {
	content := v.Get("content")
	if content.Len() == 0 {
		return dst
	}
	dst = append(dst, `,"logprobsResult":{"chosenCandidates":[`...)
	for _, c := range content.Elems() {
		dst = appendTokenProbability(dst, c)
	}
	dst = append(dst, `],"topCandidates":[`...)
	for _, c := range content.Elems() {
		dst = append(rawjson.AppendComma(dst), `{"candidates":[`...)
		for _, alt := range c.Get("top_logprobs").Elems() {
			dst = appendTokenProbability(dst, alt)
		}
		dst = append(dst, "]}"...)
	}
	return append(dst, "]}"...)
}

func appendTokenProbability(dst []byte, v rawjson.Value) []byte {
	dst = append(rawjson.AppendComma(dst), '{')
	dst = rawjson.AppendMember(dst, "token", v.Get("token"))
	dst = rawjson.AppendMember(dst, "logProbability", v.Get("logprob"))
	return append(dst, '}')
}
