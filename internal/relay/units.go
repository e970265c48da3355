package relay

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
)

// units are what prices besides those of tokens hang on.
type units struct {
	characters, images, queries float64
	seconds                     float64
}

// taskUsage reads the usage of an answer in any of OpenAI's forms (prompt_tokens,
// input_tokens), and Voyage's and Jina's total alone. nil when there is none.
func taskUsage(v rawjson.Value) *llm.Usage {
	if v.Kind() != '{' {
		return nil
	}
	u := &llm.Usage{}
	in, ok := firstInt(v, "input_tokens", "prompt_tokens", "total_tokens")
	if !ok {
		return nil
	}
	u.Input = in
	u.Output, _ = firstInt(v, "output_tokens", "completion_tokens")
	u.Total, _ = v.Get("total_tokens").Int()
	for _, name := range [...]string{"input_tokens_details", "input_token_details", "prompt_tokens_details"} {
		d := v.Get(name)
		addInt(&u.ImageIn, d.Get("image_tokens"))
		addInt(&u.AudioIn, d.Get("audio_tokens"))
		addInt(&u.CacheRead, d.Get("cached_tokens"))
	}
	for _, name := range [...]string{"output_tokens_details", "output_token_details", "completion_tokens_details"} {
		d := v.Get(name)
		addInt(&u.ImageOut, d.Get("image_tokens"))
		addInt(&u.AudioOut, d.Get("audio_tokens"))
		addInt(&u.Reasoning, d.Get("reasoning_tokens"))
	}
	return u
}

func firstInt(v rawjson.Value, names ...string) (int64, bool) {
	for _, name := range names {
		if n, ok := v.Get(name).Int(); ok && n >= 0 {
			return n, true
		}
	}
	return 0, false
}

func addInt(to *int64, v rawjson.Value) {
	if n, ok := v.Int(); ok && n > 0 {
		*to += n
	}
}

// countRequest counts what the request itself tells.
func (f *forward) countRequest() {
	if f.task != TaskSpeech {
		return
	}
	text := f.rq.LLM.Body.Get("input").Text()
	f.units.characters = float64(utf8.RuneCountInString(text))
	f.usage = &llm.Usage{Input: tokens.Text(text)} // an answer of sound says nothing of it
}

// askedTokens estimates the input of a task, as vendors count it: of a reranking the
// query with each of the documents. 0 means that it has no text.
func (x *exchange) askedTokens() int64 {
	b := x.rq.LLM.Body
	documents := b.Get("documents")
	return textTokens(b.Get("input")) + textTokens(documents) + textTokens(b.Get("query"))*int64(documents.Len())
}

// textTokens counts the texts in a value: one, a list of them, tokens as numbers, or
// parts with a text.
func textTokens(v rawjson.Value) (n int64) {
	switch v.Kind() {
	case '"':
		return tokens.Text(v.Text())
	case '0':
		return 1
	case '{':
		return textTokens(v.Get("text"))
	case '[':
		for _, e := range v.Elems() {
			n += textTokens(e)
		}
	}
	return n
}

// priceAsked prices a task that was asked for and not answered.
func (f *forward) priceAsked() {
	if f.target == nil {
		return
	}
	if f.task == TaskRerank {
		f.units.queries = 1
	}
	f.priceTask()
}

// countAnswer counts what an answer tells besides tokens.
func (f *forward) countAnswer(v rawjson.Value) {
	switch f.task {
	case TaskImages, TaskImageEdits, TaskImageVariations:
		f.units.images = float64(v.Get("data").Len())
		if u := f.usage; u != nil && u.ImageOut == 0 {
			u.ImageOut = u.Output - u.Reasoning // what comes out are images
		}
	case TaskRerank:
		f.units.queries = 1
		if n, ok := v.Path("meta", "billed_units", "search_units").Float(); ok {
			f.units.queries = n
		}
	case TaskTranscriptions, TaskTranslations:
		if s, ok := v.Path("usage", "seconds").Float(); ok {
			f.units.seconds = s
		} else if s, ok := v.Get("duration").Float(); ok {
			f.units.seconds = s
		}
	}
}

// priceTask prices the answer by the unit that the model is sold in: tokens where
// they are known and cost anything, else characters, seconds, searches or images.
func (f *forward) priceTask() {
	info := f.target.Info
	for _, p := range [...]struct {
		field string
		count float64
	}{
		{"input_cost_per_character", f.units.characters},
		{"input_cost_per_query", f.units.queries},
		{"input_cost_per_second", f.units.seconds},
		{"output_cost_per_second", f.units.seconds},
	} {
		if m, ok := unitCost(info, p.field, p.count); ok && m > 0 {
			f.cost, f.priced = catalog.Cost{Total: m, Input: m}, true
			return
		}
	}
	if f.price(); f.priced && f.cost.Total > 0 {
		return
	}
	for _, field := range [...]string{"output_cost_per_image", "input_cost_per_image"} {
		if m, ok := unitCost(info, field, f.units.images); ok {
			f.cost, f.priced = catalog.Cost{Total: m, Output: m}, true
			return
		}
	}
}

// unitCost is a price of the map times a count.
func unitCost(m *catalog.Model, field string, count float64) (catalog.Money, bool) {
	raw, ok := m.Raw(field)
	if !ok || count <= 0 {
		return 0, false
	}
	rate, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || rate < 0 {
		return 0, false
	}
	return catalog.ParseMoney(strconv.FormatFloat(rate*count, 'g', 12, 64))
}

// setCost writes the cost of the answer into its header.
func (x *exchange) setCost(h http.Header) {
	h["X-Litellm-Response-Cost"] = []string{x.cost.Total.String()}
	h["X-Litellm-Response-Cost-Input"] = []string{(x.cost.Input + x.cost.CacheRead + x.cost.CacheWrite).String()}
	h["X-Litellm-Response-Cost-Output"] = []string{x.cost.Output.String()}
}
