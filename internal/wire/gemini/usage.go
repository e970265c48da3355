package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// usageOf reads usageMetadata; nil when there is none. searches is the number of
// billed web searches: their tokens are not billed besides (§2.12).
func usageOf(v rawjson.Value, searches int64) *llm.Usage {
	if v.Kind() != '{' {
		return nil
	}
	u := &llm.Usage{WebSearches: searches}
	var candidates, toolUse int64
	var in, out, cached tally
	for f := range v.Fields() {
		switch string(f.Key) {
		case `"promptTokenCount"`:
			u.Input = count(f.Value)
		case `"candidatesTokenCount"`:
			candidates = count(f.Value)
		case `"totalTokenCount"`:
			u.Total = count(f.Value)
		case `"thoughtsTokenCount"`:
			u.Reasoning = count(f.Value)
		case `"cachedContentTokenCount"`:
			u.CacheRead = count(f.Value)
		case `"toolUsePromptTokenCount"`:
			toolUse = count(f.Value)
		case `"promptTokensDetails"`:
			in.read(f.Value)
		case `"candidatesTokensDetails"`, `"responseTokensDetails"`:
			out.read(f.Value)
		case `"cacheTokensDetails"`:
			cached.read(f.Value)
		}
	}
	if searches > 0 {
		toolUse = 0
	}
	u.Output = candidates + u.Reasoning
	if u.Reasoning > 0 && u.Input+candidates+toolUse == u.Total {
		u.Output = candidates // the thoughts are among the candidates' tokens already
	}
	u.Input += toolUse
	if u.Total == 0 {
		u.Total = u.Input + u.Output
	}
	details(u, in, out, cached)
	return u
}

// details splits the counts by modality. What no detail claims is text.
func details(u *llm.Usage, in, out, cached tally) {
	u.AudioIn, u.ImageIn = max(in.audio-cached.audio, 0), max(in.image-cached.image, 0)
	u.AudioOut, u.ImageOut = out.audio, out.image
	u.TextIn = max(u.Input-u.CacheRead-u.AudioIn-u.ImageIn-in.video, 0)
	if cached.any && in.any {
		u.TextIn = max(in.text-cached.text, 0)
	}
	u.TextOut = max(u.Output-u.Reasoning-u.AudioOut-u.ImageOut, 0)
}

// tally sums a list of token counts by modality.
type tally struct {
	text, audio, image, video int64
	any                       bool
}

func (t *tally) read(list rawjson.Value) {
	for _, d := range list.Elems() {
		n := count(d.Get("tokenCount"))
		t.any = true
		switch m := d.Get("modality"); {
		case m.Is("AUDIO"):
			t.audio += n
		case m.Is("IMAGE"):
			t.image += n
		case m.Is("VIDEO"):
			t.video += n
		default: // TEXT, DOCUMENT, unspecified
			t.text += n
		}
	}
}

// maxCount keeps sums of hostile counts from overflowing.
const maxCount = 1 << 50

// count reads a number of tokens, also as a string as proto JSON writes int64.
func count(v rawjson.Value) int64 {
	n, ok := v.Int()
	if !ok && v.Kind() == '"' {
		n, _ = rawjson.Value(v.Text()).Int()
	}
	return min(max(n, 0), maxCount)
}
