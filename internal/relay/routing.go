package relay

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
)

// maxTags bounds how many tags of a request are looked at.
const maxTags = 100

// tags are what a request says of where it may go: in its header x-litellm-tags, its
// body, and its metadata. They are read only where routing looks at them.
func (x *exchange) tags() []string {
	if !x.rq.Models.Config.Router.EnableTagFiltering {
		return nil
	}
	var out []string
	for _, line := range x.rq.Header["X-Litellm-Tags"] {
		for tag := range strings.SplitSeq(line, ",") {
			out = append(out, strings.TrimSpace(tag))
		}
	}
	out = append(out, x.controls.Tags...)
	for _, tag := range x.controls.Metadata.Get("tags").Elems() {
		if tag.Kind() == '"' {
			out = append(out, tag.Text())
		}
	}
	return out[:min(len(out), maxTags)]
}

// inputTokens estimates the input for limits, 0 for what is no conversation.
func (x *exchange) inputTokens() int64 {
	if x.expand() != nil {
		return 0
	}
	return tokens.Request(x.rq.LLM)
}

// feedback is what the attempt that has ended has shown.
func (x *exchange) feedback(err error) (f route.Feedback) {
	if u := x.usage; u != nil {
		f.Tokens, f.Output = u.Input+u.Output, u.Output
	}
	if !x.priced {
		x.price()
	}
	if x.priced {
		f.Cost = int64(x.cost.Total)
	}
	if err != nil || x.firstToken.IsZero() || x.sent.IsZero() {
		return f
	}
	end := x.firstToken // of a whole answer the whole
	if x.rq.LLM.Stream {
		end = x.relay.Now()
	}
	f.Total = end.Sub(x.sent)
	return f
}

// cacheSaving is how much less a cached token of input costs, in USD.
func (d *Deployment) cacheSaving() float64 {
	full, ok := d.rate("input_cost_per_token")
	if cached, known := d.rate("cache_read_input_token_cost"); ok && known {
		return max(0, full-cached)
	}
	return 0
}

// rate is a price of the catalog or of the file.
func (d *Deployment) rate(field string) (float64, bool) {
	raw, ok := d.Info.Raw(field)
	if !ok {
		return 0, false
	}
	return rawjson.Value(raw).Float()
}

// pricePerToken is the price in USD of a token of input and one of output.
func (d *Deployment) pricePerToken() (price float64, known bool) {
	if !d.Info.HasPrice() {
		return 0, false
	}
	for _, field := range [...]string{"input_cost_per_token", "output_cost_per_token"} {
		rate, ok := d.rate(field)
		price, known = price+rate, known || ok
	}
	return price, known
}
