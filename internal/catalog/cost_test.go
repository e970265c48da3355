package catalog

import (
	"encoding/json"
	"testing"
	"time"
)

// priced makes a model of a JSON object with the price map's fields.
func priced(t *testing.T, fields string) *Model {
	t.Helper()
	var overrides map[string]any
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(fields), &raw); err != nil {
		t.Fatal(err)
	}
	overrides = map[string]any{}
	for k, v := range raw {
		overrides[k] = v
	}
	var none *Model
	return none.With(overrides)
}

// noon is a Wednesday, 12:00 UTC.
var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

func TestCostRules(t *testing.T) {
	const plain = `"input_cost_per_token":1e-6,"output_cost_per_token":1e-5`
	const tiers = `"tiered_pricing":[{"range":[0,100.0],"input_cost_per_token":1e-6,"output_cost_per_token":2e-6,"output_cost_per_reasoning_token":3e-6},` +
		`{"range":[100.0,200],"input_cost_per_token":1e-5,"cache_read_input_token_cost":1e-7}]`
	for _, c := range []struct {
		name, fields string
		usage        Usage
		want         string
	}{
		{"input and output", plain, Usage{Input: 10, Output: 2}, "3e-05"},
		{"cached input at its price", plain + `,"cache_read_input_token_cost":1e-7`, Usage{Input: 10, CacheRead: 6}, "4.6e-06"},
		{"cached input without a price costs as input", plain, Usage{Input: 10, CacheRead: 6}, "1e-05"},
		{"cache writing of five minutes and one hour", plain + `,"cache_creation_input_token_cost":2e-6,"cache_creation_input_token_cost_above_1hr":4e-6`, Usage{Input: 10, CacheWrite: 5, CacheWrite1h: 2}, "1.9e-05"},
		{"cache writing without an hour's price", plain + `,"cache_creation_input_token_cost":2e-6`, Usage{Input: 4, CacheWrite: 4, CacheWrite1h: 4}, "8e-06"},
		{"reasoning at its price", plain + `,"output_cost_per_reasoning_token":2e-5`, Usage{Output: 5, Reasoning: 2}, "7e-05"},
		{"reasoning as output", plain, Usage{Output: 5, Reasoning: 2}, "5e-05"},
		{"reasoning beyond the total is not billed", plain, Usage{Output: 5, Reasoning: 50}, "5e-05"},
		{"audio in and out", plain + `,"input_cost_per_audio_token":1e-4,"output_cost_per_audio_token":1e-3`, Usage{Input: 3, AudioIn: 1, Output: 3, AudioOut: 2}, "0.002112"},
		{"image and video in, image out", plain + `,"input_cost_per_image_token":2e-6,"input_cost_per_video_token":3e-6,"output_cost_per_image_token":4e-5`, Usage{Input: 6, ImageIn: 1, VideoIn: 2, Output: 2, ImageOut: 1}, "6.1e-05"},
		{"audio that the cache covers is billed once", plain + `,"input_cost_per_audio_token":1e-4,"cache_read_input_token_cost":0`, Usage{Input: 10, CacheRead: 10, AudioIn: 10}, "0.0"},
		{"only images have an output price", `"input_cost_per_token":1e-6,"output_cost_per_image_token":1e-5`, Usage{Output: 2}, "2e-05"},
		{"below a threshold", plain + `,"input_cost_per_token_above_200k_tokens":2e-6`, Usage{Input: 200000}, "0.2"},
		{"above a threshold the whole request switches", plain + `,"input_cost_per_token_above_200k_tokens":2e-6,"output_cost_per_token_above_200k_tokens":2e-5`, Usage{Input: 200001, Output: 1}, "0.400022"},
		{"the highest threshold that is passed counts", plain + `,"input_cost_per_token_above_128k_tokens":2e-6,"input_cost_per_token_above_1000k_tokens":4e-6`, Usage{Input: 1000001}, "4.000004"},
		{"cache prices above a threshold", plain + `,"input_cost_per_token_above_1k_tokens":2e-6,"cache_read_input_token_cost":1e-7,"cache_read_input_token_cost_above_1k_tokens":2e-7`, Usage{Input: 2000, CacheRead: 2000}, "0.0004"},
		{"xAI counts from the threshold itself", plain + `,"litellm_provider":"xai","input_cost_per_token_above_1k_tokens":2e-6`, Usage{Input: 1000}, "0.002"},
		{"flex", plain + `,"input_cost_per_token_flex":5e-7,"output_cost_per_token_flex":5e-6`, Usage{Input: 10, Output: 2, ServiceTier: "flex"}, "1.5e-05"},
		{"priority above a threshold", plain + `,"input_cost_per_token_above_1k_tokens":2e-6,"input_cost_per_token_above_1k_tokens_priority":8e-6`, Usage{Input: 2000, ServiceTier: "priority"}, "0.016"},
		{"a tier that has no price costs as usual", plain, Usage{Input: 10, ServiceTier: "Priority"}, "1e-05"},
		{"reasoning in a tier without a reasoning price is output", plain + `,"output_cost_per_reasoning_token":1e-3,"output_cost_per_token_flex":5e-6`, Usage{Output: 2, Reasoning: 2, ServiceTier: "flex"}, "1e-05"},
		{"default is no tier", plain + `,"input_cost_per_token_flex":0`, Usage{Input: 10, ServiceTier: "default"}, "1e-05"},
		{"tiered pricing, lower row with its end", tiers, Usage{Input: 100, Output: 2, Reasoning: 1}, "0.000105"},
		{"tiered pricing, upper row and cache", tiers + `,"output_cost_per_token":1`, Usage{Input: 101, CacheRead: 1, Output: 1}, "1.0010001"},
		{"tiered pricing beyond the last row", tiers, Usage{Input: 1000}, "0.01"},
		{"web search, medium unless told", plain + `,"search_context_cost_per_query":{"search_context_size_low":0.01,"search_context_size_medium":0.02}`, Usage{WebSearches: 2}, "0.04"},
		{"web search, low", plain + `,"search_context_cost_per_query":{"search_context_size_low":0.01,"search_context_size_medium":0.02}`, Usage{WebSearches: 2, SearchContext: "low"}, "0.02"},
		{"grounded prompts of Gemini 2 cost once", plain + `,"litellm_provider":"gemini","search_context_cost_per_query":{"search_context_size_medium":0.035}`, Usage{WebSearches: 3}, "0.035"},
		{"grounded searches of Gemini 3 cost each", plain + `,"litellm_provider":"gemini","web_search_billing_unit":"per_query","search_context_cost_per_query":{"search_context_size_medium":0.014}`, Usage{WebSearches: 3}, "0.042"},
		{"a price for the request", plain + `,"input_cost_per_request":0.005`, Usage{Input: 1}, "0.005001"},
		{"place and speed multiply", plain + `,"provider_specific_entry":{"us":1.1,"fast":2}`, Usage{Input: 10, Geo: "US", Speed: "fast"}, "2.2e-05"},
		{"regional host", plain + `,"regional_processing_uplift_multiplier_eu":1.1`, Usage{Input: 10, Residency: "eu"}, "1.1e-05"},
		{"free is known", `"input_cost_per_token":0`, Usage{Input: 10}, "0.0"},
		{"prices finer than money", `"input_cost_per_token":1.41953125e-07`, Usage{Input: 1000}, "0.000141953125"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := priced(t, "{"+c.fields+"}").Cost(c.usage, noon)
			if !ok || got.Total.String() != c.want {
				t.Errorf("cost %s (%+v, %v), want %s", got.Total, got, ok, c.want)
			}
			if parts := got.Input + got.CacheRead + got.CacheWrite + got.Output + got.Tools; parts != got.Total {
				t.Errorf("parts add up to %s, total %s", parts, got.Total)
			}
		})
	}
}

func TestOffPeakPricesFollowTheClock(t *testing.T) {
	m := mustFind(t, "deepseek/deepseek-v4-flash")
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC) }
	for _, c := range []struct {
		when time.Time
		want string
	}{
		{at(23, 0, 59), "1.5e-07"}, // Monday
		{at(23, 1, 0), "3e-07"},
		{at(23, 3, 59), "3e-07"},
		{at(23, 4, 0), "1.5e-07"},
		{at(23, 6, 0), "3e-07"},
		{at(23, 9, 59), "3e-07"},
		{at(23, 10, 0), "1.5e-07"},
		{at(23, 23, 59), "1.5e-07"},
		{at(28, 2, 0), "1.5e-07"}, // Saturday
		{at(29, 8, 0), "1.5e-07"}, // Sunday
		{at(23, 1, 0).In(time.FixedZone("x", -7200)), "3e-07"},
	} {
		got, ok := m.Cost(Usage{Input: 1}, c.when)
		if !ok || got.Total.String() != c.want {
			t.Errorf("%s: %s, want %s", c.when.Format(time.RFC1123), got.Total, c.want)
		}
	}
}

func TestOffPeakRules(t *testing.T) {
	const plain = `{"input_cost_per_token":4e-6,"output_cost_per_token":8e-6,"off_peak_pricing":`
	for _, c := range []struct{ name, block, want string }{
		{"flat hours", `{"hours_utc":"11:00-13:00","output_cost_per_token":1e-6}`, "1e-06"},
		{"wraps past midnight", `{"hours_utc":["23:00-12:30"],"output_cost_per_token":1e-6}`, "1e-06"},
		{"the end is outside", `{"hours_utc":"11:00-12:00","output_cost_per_token":1e-6}`, "8e-06"},
		{"named weekday", `{"windows":[{"hours_utc":"00:00-00:00","weekdays":["wed"]}],"output_cost_per_token":1e-6}`, "1e-06"},
		{"another weekday", `{"windows":[{"hours_utc":"00:00-00:00","weekdays":["Thursday",9,true]}],"output_cost_per_token":1e-6}`, "8e-06"},
		{"weekday of no kind", `{"windows":[{"hours_utc":"00:00-00:00","weekdays":"wed"}],"output_cost_per_token":1e-6}`, "8e-06"},
		{"reasoning follows the output", `{"hours_utc":"00:00-00:00","output_cost_per_token":2e-6,"output_cost_per_reasoning_token":1e-6}`, "1e-06"},
		{"malformed hours", `{"hours_utc":["noon","25:00-26:00"],"output_cost_per_token":1e-6}`, "8e-06"},
		{"malformed block", `"no"`, "8e-06"},
	} {
		got, _ := priced(t, plain+c.block+"}").Cost(Usage{Output: 1, Reasoning: 1}, noon)
		if got.Total.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, got.Total, c.want)
		}
	}
}

func TestOffPeakWeekdayIsReadOnItsCalendar(t *testing.T) {
	m := priced(t, `{"input_cost_per_token":4e-6,"off_peak_pricing":{"weekday_timezone":"Asia/Shanghai","input_cost_per_token":1e-6,
		"windows":[{"hours_utc":"16:00-17:00","weekdays":[6]}]}}`)
	friday := time.Date(2026, 11, 27, 16, 30, 0, 0, time.UTC) // Saturday in Shanghai
	if c, _ := m.Cost(Usage{Input: 1}, friday); c.Total.String() != "1e-06" {
		t.Errorf("cost %s", c.Total)
	}
}

func TestNoPriceIsUnknownAndNotZero(t *testing.T) {
	m := priced(t, `{"mode":"chat","max_tokens":5,"input_cost_per_token":"free"}`)
	if c, ok := m.Cost(Usage{Input: 1}, noon); ok || c != (Cost{}) || m.HasPrice() {
		t.Errorf("cost %+v, %v", c, ok)
	}
	image := priced(t, `{"output_cost_per_image":0.04}`)
	if _, ok := image.Cost(Usage{Input: 1}, noon); ok || !image.HasPrice() {
		t.Error("a model priced by the image has a price, but no cost for tokens")
	}
}

func TestEveryModelOfTheMapIsPricedWithoutOverflow(t *testing.T) {
	huge := Usage{Input: 1 << 62, Output: 1 << 62, CacheRead: 1 << 61, Reasoning: 1 << 60, WebSearches: 1 << 62}
	for i := range table().Len() {
		m := mustFind(t, table().Key(i))
		if c, _ := m.Cost(huge, noon); c.Total < c.Input || c.Total < c.Output || c.Total < 0 {
			t.Fatalf("%s: %+v", m.Key(), c)
		}
	}
}

func FuzzPriceSheet(f *testing.F) {
	f.Add(`{"input_cost_per_token":1e-6,"tiered_pricing":[{"range":[0,1]}],"off_peak_pricing":{"windows":[{}]}}`, int64(5))
	f.Fuzz(func(t *testing.T, fields string, n int64) {
		var raw map[string]json.RawMessage
		if json.Unmarshal([]byte(fields), &raw) != nil {
			return
		}
		overrides := map[string]any{}
		for k, v := range raw {
			overrides[k] = v
		}
		var none *Model
		if c, ok := none.With(overrides).Cost(Usage{Input: n, Output: n, WebSearches: n}, noon); ok && c.Total < 0 {
			t.Errorf("a negative cost: %+v", c)
		}
	})
}
