package catalog

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// offPeak is an off_peak_pricing block: rates that replace the usual ones in some hours.
type offPeak struct {
	rates   map[string]int64
	windows []window
	// calendar is where weekdays are read; hours are always UTC.
	calendar *time.Location
}

// window is a set of hours on some weekdays.
type window struct {
	hours []hours
	days  []time.Weekday // nil: every day
}

// hours is a span of the day in minutes, start included and end not; it may wrap past
// midnight, and one that starts where it ends is the whole day.
type hours struct{ start, end int }

func parseOffPeak(value string) *offPeak {
	var block map[string]json.RawMessage
	if json.Unmarshal([]byte(value), &block) != nil {
		return nil
	}
	o := &offPeak{rates: parseRates(value), calendar: calendarNamed(string(block["weekday_timezone"]))}
	if h := parseHours(block["hours_utc"]); len(h) > 0 {
		o.windows = append(o.windows, window{hours: h})
	}
	var rules []map[string]json.RawMessage
	if json.Unmarshal(block["windows"], &rules) != nil {
		return o
	}
	for _, rule := range rules {
		o.windows = append(o.windows, window{parseHours(rule["hours_utc"]), parseDays(rule["weekdays"])})
	}
	return o
}

// calendarNamed knows the one zone that the map uses. A zone database would have to be
// read from disk, and China has no summer time.
func calendarNamed(raw string) *time.Location {
	if strings.Trim(raw, `" `) == "Asia/Shanghai" {
		return time.FixedZone("Asia/Shanghai", 8*60*60)
	}
	return time.UTC
}

// parseHours reads "16:30-00:30" or a list of such texts; malformed ones are left out.
func parseHours(raw json.RawMessage) []hours {
	var spans []hours
	for _, text := range parseTexts(raw) {
		from, to, ok := strings.Cut(text, "-")
		start, errStart := time.Parse("15:04", strings.TrimSpace(from))
		end, errEnd := time.Parse("15:04", strings.TrimSpace(to))
		if ok && errStart == nil && errEnd == nil {
			spans = append(spans, hours{minutes(start), minutes(end)})
		}
	}
	return spans
}

func parseTexts(raw json.RawMessage) []string {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	return nil
}

// parseDays reads ISO weekday numbers (1 = Monday) or names. An absent list is every
// day; a list that names no day is none.
func parseDays(raw json.RawMessage) []time.Weekday {
	if raw == nil {
		return nil
	}
	days := []time.Weekday{}
	var list []any
	if json.Unmarshal(raw, &list) != nil {
		return days
	}
	for _, v := range list {
		if d, ok := weekday(v); ok {
			days = append(days, d)
		}
	}
	return days
}

func weekday(v any) (time.Weekday, bool) {
	switch v := v.(type) {
	case float64:
		n := int(v)
		return time.Weekday(n % 7), n >= 1 && n <= 7 && float64(n) == v
	case string:
		name := strings.ToLower(strings.TrimSpace(v))
		for d := time.Sunday; d <= time.Saturday; d++ {
			if len(name) >= 3 && strings.HasPrefix(strings.ToLower(d.String()), name) {
				return d, true
			}
		}
	}
	return 0, false
}

func minutes(t time.Time) int { return t.Hour()*60 + t.Minute() }

// open tells whether the off-peak rates hold at a moment.
func (o *offPeak) open(at time.Time) bool {
	if o == nil {
		return false
	}
	utc := at.UTC()
	day := at.In(o.calendar).Weekday()
	return slices.ContainsFunc(o.windows, func(w window) bool { return w.holds(day, minutes(utc)) })
}

func (w window) holds(day time.Weekday, minute int) bool {
	if w.days != nil && !slices.Contains(w.days, day) {
		return false
	}
	return slices.ContainsFunc(w.hours, func(h hours) bool { return h.contain(minute) })
}

func (h hours) contain(minute int) bool {
	if h.start < h.end {
		return h.start <= minute && minute < h.end
	}
	return minute >= h.start || minute < h.end
}

// apply replaces the rates that the block names.
func (o *offPeak) apply(r tokenRates) tokenRates {
	replace := func(rate *int64, field string) {
		if v, ok := o.rates[field]; ok {
			*rate = v
		}
	}
	replace(&r.input, inputCost)
	replace(&r.output, outputCost)
	replace(&r.read, readCost)
	replace(&r.write, writeCost)
	replace(&r.reasoning, reasoningCost)
	return r
}
