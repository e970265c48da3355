package catalog

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// sheet is the price list of one model, worked out of its fields once.
// Rates are femto-USD for one unit.
type sheet struct {
	known       bool // some price is known, for whatever unit
	tokens      bool // a price per token is known, so that a chat can be costed
	inclusive   bool // a threshold counts from exactly its token number (xAI)
	oncePrompt  bool // grounded prompts cost once, however many searches they made
	rates       map[string]int64
	plain       tokenRates // standard tier below every threshold
	thresholds  []threshold
	tiers       []tier
	offPeak     *offPeak
	search      map[string]int64 // low, medium, high → rate for one search
	multipliers map[string]int64 // "us", "fast", … → parts per million
}

// threshold is a prompt size above which the whole request costs other rates.
type threshold struct {
	tokens int64
	suffix string // "_above_200k_tokens"
}

// tier is one row of tiered_pricing: it applies to prompts of from < tokens ≤ to.
type tier struct {
	from, to int64
	rates    map[string]int64
}

// tokenRates are the rates that one request is billed at. Reasoning may be asOutput
// until the output rate is settled.
type tokenRates struct{ input, output, read, write, write1h, reasoning int64 }

const asOutput = -1

const million = 1_000_000

// Names of the price map's fields that are read more than once.
const (
	inputCost     = "input_cost_per_token"
	outputCost    = "output_cost_per_token"
	readCost      = "cache_read_input_token_cost"
	writeCost     = "cache_creation_input_token_cost"
	write1hCost   = "cache_creation_input_token_cost_above_1hr"
	reasoningCost = "output_cost_per_reasoning_token"
)

var noPrices sheet

// prices returns the sheet; it may be worked out twice by two first callers, with the
// same result.
func (m *Model) prices() *sheet {
	if m == nil {
		return &noPrices
	}
	if s := m.sheet.Load(); s != nil {
		return s
	}
	s := newSheet(m)
	m.sheet.Store(s)
	return s
}

func newSheet(m *Model) *sheet {
	s := &sheet{rates: map[string]int64{}, inclusive: m.Provider() == "xai"}
	m.each(s.take)
	_, input := s.rates[inputCost]
	_, output := s.rates[outputCost]
	s.tokens = input || output || len(s.tiers) > 0
	s.known = s.tokens || len(s.rates) > 0
	s.oncePrompt = prefixOf(m.Provider()) == "gemini" && m.str("web_search_billing_unit") != "per_query"
	slices.SortFunc(s.thresholds, func(a, b threshold) int { return cmp.Compare(b.tokens, a.tokens) })
	s.plain = s.resolve("", 0)
	return s
}

// take files one field of the price map.
func (s *sheet) take(field, value string) {
	switch field {
	case "tiered_pricing":
		s.tiers = parseTiers(value)
	case "off_peak_pricing":
		s.offPeak = parseOffPeak(value)
	case "search_context_cost_per_query":
		s.search = trimPrefixes(parseRates(value), "search_context_size_")
	case "provider_specific_entry":
		s.takeMultipliers(value)
	default:
		s.takeNumber(field, value)
	}
}

func (s *sheet) takeNumber(field, value string) {
	if region, ok := strings.CutPrefix(field, "regional_processing_uplift_multiplier_"); ok {
		s.setMultiplier(region, value)
		return
	}
	if !strings.Contains(field, "cost") {
		return
	}
	rate, ok := parseRate(value)
	if !ok {
		return
	}
	s.rates[field] = rate
	if t, ok := parseThreshold(field); ok {
		s.thresholds = append(s.thresholds, t)
	}
}

// takeMultipliers files the factors of an entry such as {"us": 1.1, "fast": 2}.
func (s *sheet) takeMultipliers(value string) {
	var entry map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &entry) != nil {
		return
	}
	for name, raw := range entry {
		s.setMultiplier(name, string(raw))
	}
}

func (s *sheet) setMultiplier(name, value string) {
	ppm, ok := parseScaled(strings.Trim(value, `"`), 6)
	if !ok || ppm <= 0 {
		return
	}
	if s.multipliers == nil {
		s.multipliers = map[string]int64{}
	}
	s.multipliers[name] = ppm
}

// parseRate reads a price; configurations write it as a number or as text ("3e-7").
func parseRate(raw string) (int64, bool) {
	rate, ok := parseScaled(strings.Trim(raw, `"`), rateDecimals)
	return rate, ok && rate >= 0
}

func parseRates(object string) map[string]int64 {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(object), &fields) != nil {
		return nil
	}
	rates := map[string]int64{}
	for name, raw := range fields {
		if rate, ok := parseRate(string(raw)); ok {
			rates[name] = rate
		}
	}
	return rates
}

func trimPrefixes(in map[string]int64, prefix string) map[string]int64 {
	out := make(map[string]int64, len(in))
	for name, rate := range in {
		out[strings.TrimPrefix(name, prefix)] = rate
	}
	return out
}

// parseThreshold recognises input_cost_per_token_above_200k_tokens; the variants of a
// service tier have a further suffix and are found through the plain one.
func parseThreshold(field string) (threshold, bool) {
	size, ok := strings.CutPrefix(field, inputCost+"_above_")
	if !ok {
		return threshold{}, false
	}
	size, ok = strings.CutSuffix(size, "_tokens")
	if !ok {
		return threshold{}, false
	}
	suffix := "_above_" + size + "_tokens"
	scale := 0
	if thousands, ok := strings.CutSuffix(size, "k"); ok {
		size, scale = thousands, 3
	}
	tokens, ok := parseScaled(size, scale)
	return threshold{tokens, suffix}, ok
}

func parseTiers(value string) []tier {
	var rows []map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &rows) != nil {
		return nil
	}
	var tiers []tier
	for _, row := range rows {
		if t, ok := parseTier(row); ok {
			tiers = append(tiers, t)
		}
	}
	slices.SortFunc(tiers, func(a, b tier) int { return cmp.Compare(a.from, b.from) })
	return tiers
}

func parseTier(row map[string]json.RawMessage) (tier, bool) {
	var bounds []json.Number
	if json.Unmarshal(row["range"], &bounds) != nil || len(bounds) != 2 {
		return tier{}, false
	}
	from, okFrom := parseScaled(bounds[0].String(), 0)
	to, okTo := parseScaled(bounds[1].String(), 0)
	t := tier{from: from, to: to, rates: map[string]int64{}}
	for name, raw := range row {
		if rate, ok := parseRate(string(raw)); ok {
			t.rates[name] = rate
		}
	}
	_, hasInput := t.rates[inputCost]
	return t, okFrom && okTo && hasInput
}

// tierFor picks the row of a prompt; prompts beyond the last row cost as it says.
func (s *sheet) tierFor(prompt int64) *tier {
	if len(s.tiers) == 0 || prompt <= 0 {
		return nil
	}
	for i := range s.tiers {
		if t := &s.tiers[i]; t.from < prompt && prompt <= t.to {
			return t
		}
	}
	return &s.tiers[len(s.tiers)-1]
}

// price finds a field in the variant of a service tier, else the plain field.
func (s *sheet) price(field, serviceTier string) (int64, bool) {
	if serviceTier != "" {
		if rate, ok := s.rates[field+serviceTier]; ok {
			return rate, true
		}
	}
	rate, ok := s.rates[field]
	return rate, ok
}

// priceOr is price with another rate where the field is missing.
func (s *sheet) priceOr(field, serviceTier string, other int64) int64 {
	if rate, ok := s.price(field, serviceTier); ok {
		return rate
	}
	return other
}

// resolve gives the rates of a request before off-peak hours are looked at.
// serviceTier is a suffix such as "_flex".
func (s *sheet) resolve(serviceTier string, prompt int64) tokenRates {
	if t := s.tierFor(prompt); t != nil {
		return s.tierRates(t)
	}
	r := s.baseRates(serviceTier)
	for _, t := range s.thresholds {
		if prompt > t.tokens || s.inclusive && prompt == t.tokens {
			s.above(&r, t.suffix, serviceTier)
			break
		}
	}
	r.reasoning = s.reasoningRate(serviceTier)
	return r
}

// baseRates reads the plain fields. What a model does not price apart costs what the
// same token costs otherwise: LiteLLM bills such cache tokens as free, which is too low.
func (s *sheet) baseRates(serviceTier string) tokenRates {
	var r tokenRates
	r.input = s.priceOr(inputCost, serviceTier, 0)
	r.output = s.priceOr(outputCost, serviceTier, 0)
	if r.output == 0 {
		r.output = s.priceOr("output_cost_per_image_token", "", 0)
	}
	r.read = s.priceOr(readCost, serviceTier, r.input)
	r.write = s.priceOr(writeCost, serviceTier, r.input)
	r.write1h = s.priceOr(write1hCost, serviceTier, r.write)
	return r
}

// above switches the rates to those for long prompts, where the model has them.
func (s *sheet) above(r *tokenRates, suffix, serviceTier string) {
	r.input = s.priceOr(inputCost+suffix, serviceTier, r.input)
	r.output = s.priceOr(outputCost+suffix, serviceTier, r.output)
	r.read = s.priceOr(readCost+suffix, serviceTier, r.read)
	r.write = s.priceOr(writeCost+suffix, serviceTier, r.write)
	r.write1h = s.priceOr(write1hCost+suffix, serviceTier, r.write1h)
}

// tierRates bills a whole request at one row; what the row leaves out falls back
// inside the row, so that a request never mixes rows.
func (s *sheet) tierRates(t *tier) tokenRates {
	or := func(field string, other int64) int64 {
		if rate := t.rates[field]; rate > 0 {
			return rate
		}
		return other
	}
	r := tokenRates{input: t.rates[inputCost]}
	r.output = s.rates[outputCost]
	if rate, ok := t.rates[outputCost]; ok {
		r.output = rate
	}
	r.read = or(readCost, r.input)
	r.write = or(writeCost, r.input)
	r.write1h = or(write1hCost, r.write)
	r.reasoning = or(reasoningCost, asOutput)
	return r
}

// reasoningRate is the reasoning price of the service tier. A tier with its own output
// price but no reasoning price bills reasoning as output.
func (s *sheet) reasoningRate(serviceTier string) int64 {
	if serviceTier != "" {
		if rate, ok := s.rates[reasoningCost+serviceTier]; ok {
			return rate
		}
		if _, ok := s.rates[outputCost+serviceTier]; ok {
			return asOutput
		}
	}
	return s.priceOr(reasoningCost, "", asOutput)
}
