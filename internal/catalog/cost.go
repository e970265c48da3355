package catalog

import (
	"strings"
	"time"
)

// Usage is what one answer used, in tokens unless said otherwise. Parts are included
// in their totals, never beside them.
type Usage struct {
	Input      int64 // whole prompt, with everything cached, audio, images and video in it
	Output     int64 // whole answer, with reasoning, audio and images in it
	CacheRead  int64 // part of Input that came from the cache
	CacheWrite int64 // part of Input that was written to the cache, for whatever time
	// CacheWrite1h is the part of CacheWrite that was written for one hour; the rest
	// was written for five minutes.
	CacheWrite1h int64
	Reasoning    int64 // part of Output
	AudioIn      int64 // part of Input
	AudioOut     int64 // part of Output
	ImageIn      int64 // part of Input
	ImageOut     int64 // part of Output
	VideoIn      int64 // part of Input
	WebSearches  int64 // searches that the vendor made, a count

	ServiceTier   string // as the answer names it: "flex", "priority", …; "", "default" and "standard" are plain
	SearchContext string // "low", "medium" (also when empty) or "high"
	Geo           string // Anthropic's inference_geo: "us" costs more on some models
	Speed         string // Anthropic's speed: "fast" costs more
	Residency     string // "eu" or "us" when a regional OpenAI host served the request
}

// Cost is the price of one answer. Total is the sum of Input, CacheRead, CacheWrite,
// Output and Tools; Reasoning is included in Output.
type Cost struct {
	Total      Money
	Input      Money // prompt that was neither read from nor written to a cache
	CacheRead  Money
	CacheWrite Money
	Output     Money
	Reasoning  Money
	Tools      Money // web searches
}

// HasPrice tells whether anything is known of what the model costs. A price of zero is known.
func (m *Model) HasPrice() bool { return m.prices().known }

// Cost prices an answer at the moment it was made, which matters for off-peak hours.
// It answers false when the model has no price for tokens: the cost is then unknown,
// which is not nothing.
func (m *Model) Cost(u Usage, at time.Time) (Cost, bool) {
	s := m.prices()
	if !s.tokens {
		return Cost{}, false
	}
	serviceTier := tierSuffix(u.ServiceTier)
	r := s.ratesFor(u, serviceTier, at)
	var c Cost
	s.costInput(&c, u, r, serviceTier)
	s.costOutput(&c, u, r)
	c.Tools = s.costSearches(u)
	for _, part := range []Money{c.Input, c.CacheRead, c.CacheWrite, c.Output, c.Tools} {
		c.Total = c.Total.plus(part)
	}
	return c, true
}

// tierSuffix is the suffix of the price map's fields for a service tier.
func tierSuffix(name string) string {
	switch strings.ToLower(name) {
	case "flex":
		return "_flex"
	case "priority", "fast":
		return "_priority"
	case "ultrafast":
		return "_ultrafast"
	}
	return ""
}

// ratesFor resolves the rates of one request: tier, threshold, hour and place.
func (s *sheet) ratesFor(u Usage, serviceTier string, at time.Time) tokenRates {
	r := s.plain
	if serviceTier != "" || len(s.thresholds) > 0 || len(s.tiers) > 0 {
		r = s.resolve(serviceTier, u.Input)
	}
	if s.offPeak.open(at) {
		r = s.offPeak.apply(r)
	}
	if r.reasoning == asOutput {
		r.reasoning = r.output
	}
	return r
}

// factors are the multipliers that apply to every rate of a request, in parts per million.
func (s *sheet) factors(u Usage) []int64 {
	if len(s.multipliers) == 0 {
		return nil
	}
	var out []int64
	for _, name := range []string{strings.ToLower(u.Geo), strings.ToLower(u.Speed), strings.ToLower(u.Residency)} {
		if ppm, ok := s.multipliers[name]; ok && name != "" {
			out = append(out, ppm)
		}
	}
	return out
}

// costInput splits the prompt. Vendors count cached audio and images twice, so the
// kinds share what the cache did not cover.
func (s *sheet) costInput(c *Cost, u Usage, r tokenRates, serviceTier string) {
	rest := counter(u.Input)
	read, write := rest.take(u.CacheRead), rest.take(u.CacheWrite)
	write1h := min(max(u.CacheWrite1h, 0), write)
	audio, image, video := rest.take(u.AudioIn), rest.take(u.ImageIn), rest.take(u.VideoIn)
	f := s.factors(u)

	c.CacheRead = sum(f, line{read, r.read})
	c.CacheWrite = sum(f, line{write - write1h, r.write}, line{write1h, r.write1h})
	c.Input = sum(f,
		line{int64(rest), r.input},
		line{audio, s.priceOr("input_cost_per_audio_token", serviceTier, r.input)},
		line{image, s.priceOr("input_cost_per_image_token", serviceTier, r.input)},
		line{video, s.priceOr("input_cost_per_video_token", serviceTier, r.input)},
		line{1, s.rates["input_cost_per_request"]},
	)
}

func (s *sheet) costOutput(c *Cost, u Usage, r tokenRates) {
	rest := counter(u.Output)
	reasoning, audio, image := rest.take(u.Reasoning), rest.take(u.AudioOut), rest.take(u.ImageOut)
	f := s.factors(u)

	c.Reasoning = sum(f, line{reasoning, r.reasoning})
	c.Output = sum(f,
		line{int64(rest), r.output},
		line{reasoning, r.reasoning},
		line{audio, s.priceOr("output_cost_per_audio_token", "", r.output)},
		line{image, s.priceOr("output_cost_per_image_token", "", r.output)},
	)
}

func (s *sheet) costSearches(u Usage) Money {
	searches := u.WebSearches
	if s.oncePrompt {
		searches = min(searches, 1)
	}
	size := u.SearchContext
	if _, ok := s.search[size]; !ok {
		size = "medium"
	}
	return sum(nil, line{searches, s.search[size]})
}

// counter hands out tokens of a total, so that parts never exceed it.
type counter int64

func (c *counter) take(n int64) int64 {
	n = min(max(n, 0), max(int64(*c), 0))
	*c -= counter(n)
	return n
}

// line is one line of a bill.
type line struct{ count, rate int64 }

// sum adds lines, each rate multiplied by all factors (parts per million).
func sum(factors []int64, lines ...line) Money {
	var total amount
	for _, l := range lines {
		rate := l.rate
		for _, ppm := range factors {
			rate = multiply(rate, ppm)
		}
		total.add(l.count, rate)
	}
	return total.money()
}
