package gemini

import (
	"unicode/utf8"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// notes collects what stands beside the content of the candidates: grounding,
// citations, safety. It owns its memory.
type notes struct {
	grounding, urls, citations, safety []byte
	searches                           int64
}

// read adds the notes of one candidate of a whole answer.
func (n *notes) read(candidate rawjson.Value) {
	for f := range candidate.Fields() {
		switch string(f.Key) {
		case `"groundingMetadata"`:
			n.grounding = listed(n.grounding, f.Value)
			n.searches += int64(f.Value.Get("webSearchQueries").Len())
		case `"urlContextMetadata"`:
			n.urls = listed(n.urls, f.Value)
		case `"citationMetadata"`:
			n.citations = listed(n.citations, f.Value)
		case `"safetyRatings"`:
			n.safety = listed(n.safety, f.Value)
		}
	}
}

// reread replaces the notes by those of another event of the same stream, which
// repeats and completes what it said before.
func (n *notes) reread(candidate rawjson.Value) {
	for f := range candidate.Fields() {
		switch string(f.Key) {
		case `"groundingMetadata"`:
			n.grounding, n.searches = nil, 0
		case `"urlContextMetadata"`:
			n.urls = nil
		case `"citationMetadata"`:
			n.citations = nil
		case `"safetyRatings"`:
			n.safety = nil
		}
	}
	n.read(candidate)
}

func listed(list []byte, v rawjson.Value) []byte {
	if !v.Present() {
		return list
	}
	return append(rawjson.AppendComma(open(list)), v...)
}

// fields are the notes under LiteLLM's names.
func (n *notes) fields() rawjson.Object {
	var o rawjson.Object
	for _, f := range []struct {
		name string
		list []byte
	}{
		{"vertex_ai_grounding_metadata", n.grounding},
		{"vertex_ai_url_context_metadata", n.urls},
		{"vertex_ai_safety_results", n.safety},
		{"vertex_ai_citation_metadata", n.citations},
	} {
		if f.list != nil {
			o = append(o, rawjson.Member{Key: f.name, Value: append(f.list[:len(f.list):len(f.list)], ']')})
		}
	}
	return o
}

// annotations turns grounding supports into url_citation annotations. Gemini
// counts bytes of the text, Chat Completions characters.
func annotations(grounding rawjson.Value, parts []llm.Part) rawjson.Value {
	supports := grounding.Get("groundingSupports")
	if supports.Len() == 0 {
		return nil
	}
	text := counted{text: llm.JoinText(parts)}
	var chunks []rawjson.Value
	for _, chunk := range grounding.Get("groundingChunks").Elems() {
		chunks = append(chunks, chunk.Get("web"))
	}
	out := rawjson.Value{'['}
	for _, s := range supports.Elems() {
		segment := s.Get("segment")
		start, end := text.characters(segment.Get("startIndex")), text.characters(segment.Get("endIndex"))
		for _, index := range s.Get("groundingChunkIndices").Elems() {
			if i, ok := index.Int(); ok && i >= 0 && i < int64(len(chunks)) && chunks[i].Present() {
				out = appendCitation(rawjson.AppendComma(out), chunks[i], start, end)
			}
		}
	}
	if len(out) == 1 {
		return nil
	}
	return append(out, ']')
}

func appendCitation(dst []byte, web rawjson.Value, start, end int64) []byte {
	dst = append(dst, `{"type":"url_citation","url_citation":{`...)
	dst = rawjson.AppendIntMember(dst, "start_index", start)
	dst = rawjson.AppendIntMember(dst, "end_index", end)
	dst = rawjson.AppendStringMember(dst, "url", web.Get("uri").Text())
	dst = rawjson.AppendStringMember(dst, "title", web.Get("title").Text())
	return append(dst, "}}"...)
}

// counted is a text whose characters are counted once: before[i] of them begin in the
// first i stretches of its bytes.
type counted struct {
	text   string
	before []int64
}

// stretch is how many bytes are counted together.
const stretch = 256

// characters turns a byte offset of the text into an offset in code points.
func (c *counted) characters(offset rawjson.Value) int64 {
	n, _ := offset.Int()
	n = min(max(n, 0), int64(len(c.text)))
	if c.before == nil {
		c.count()
	}
	at := n / stretch
	return c.before[at] + begun(c.text[at*stretch:n])
}

func (c *counted) count() {
	c.before = make([]int64, 1, len(c.text)/stretch+1)
	for i := stretch; i <= len(c.text); i += stretch {
		c.before = append(c.before, c.before[len(c.before)-1]+begun(c.text[i-stretch:i]))
	}
}

// begun counts the characters whose first byte is in s.
func begun(s string) (n int64) {
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
	}
	return n
}

// logprobs turns logprobsResult into the shape of Chat Completions.
func logprobs(v rawjson.Value) rawjson.Value {
	chosen := v.Get("chosenCandidates")
	if chosen.Len() == 0 {
		return nil
	}
	var top []rawjson.Value
	for _, t := range v.Get("topCandidates").Elems() {
		top = append(top, t.Get("candidates"))
	}
	out := rawjson.Value(`{"content":[`)
	for i, c := range chosen.Elems() {
		out = appendLogprob(append(rawjson.AppendComma(out), '{'), c)
		out = append(out, `,"top_logprobs":[`...)
		if i < len(top) {
			for _, alt := range top[i].Elems() {
				out = append(appendLogprob(append(rawjson.AppendComma(out), '{'), alt), '}')
			}
		}
		out = append(out, "]}"...)
	}
	return append(out, `],"refusal":null}`...)
}

// appendLogprob writes the members of one token behind an opening brace.
func appendLogprob(dst []byte, v rawjson.Value) []byte {
	token := v.Get("token").Text()
	dst = rawjson.AppendStringMember(dst, "token", token)
	logprob := v.Get("logProbability")
	if logprob.Kind() != '0' {
		logprob = rawjson.Value("0")
	}
	dst = rawjson.AppendMember(dst, "logprob", logprob)
	dst = append(dst, `,"bytes":[`...)
	for i := range len(token) {
		dst = rawjson.AppendInt(rawjson.AppendComma(dst), int64(token[i]))
	}
	return append(dst, ']')
}
