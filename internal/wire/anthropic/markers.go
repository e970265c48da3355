package anthropic

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// maxMarkers is how many cache markers Anthropic takes in one request.
const maxMarkers = 4

// capMarkers keeps the cache markers within Anthropic's rules: at most four, and
// none of an hour after one of five minutes. The first marker and the last three
// stay: they cover the constant head and the newest prefixes.
func (e *encoder) capMarkers() {
	markers := e.markers()
	if len(markers) == 0 {
		return
	}
	room := maxMarkers
	if e.opts.cache != nil {
		e.member("cache_control", e.opts.cache)
		room--
	}
	if more := len(markers) - room; more > 0 {
		for _, m := range markers[1 : 1+more] {
			*m = nil
		}
		markers = slices.Delete(markers, 1, 1+more)
		e.drop("cache_control", "Anthropic takes four markers; the middle ones were left out")
	}
	short := false
	for _, m := range markers {
		hour := m.Get("ttl").Is("1h")
		if hour && short {
			*m = rawjson.Value(`{"type":"ephemeral"}`)
			e.drop("cache_control.ttl", "a marker of 1h cannot follow one of 5m")
		}
		short = short || !hour
	}
}

// markers lists the cache markers in the order in which Anthropic reads them:
// tools, system, messages.
func (e *encoder) markers() []*rawjson.Value {
	var out []*rawjson.Value
	for i := range e.tools {
		if e.tools[i].cache != nil {
			out = append(out, &e.tools[i].cache)
		}
	}
	for i := range e.system {
		if e.system[i].cache != nil {
			out = append(out, &e.system[i].cache)
		}
	}
	for i := range e.conv.blocks {
		if b := &e.conv.blocks[i]; b.cache != nil && b.kind != blockSkip {
			out = append(out, &b.cache)
		}
	}
	return out
}
