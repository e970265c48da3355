package catalog

import (
	"encoding/json"
	"maps"
	"strings"
	"sync/atomic"
	"time"
)

// Model is what is known of one model. It never changes; With makes a changed copy.
// A nil *Model is valid and knows nothing.
type Model struct {
	key      string
	row      int               // record in the table; noRow for one that is only inferred or overridden
	inferred map[string]string // field → JSON that the family of the name tells, weaker than the record
	changed  map[string]string // field → JSON of With, stronger than the record
	sheet    atomic.Pointer[sheet]
}

const noRow = -1

// Key is the model's key in the price map, or "provider/model" for an inferred model.
func (m *Model) Key() string {
	if m == nil {
		return ""
	}
	return m.key
}

// Inferred tells that the price map has no entry for the model and that what is
// known was told by the family in its name. Such a model has no price.
func (m *Model) Inferred() bool { return m != nil && m.row == noRow }

// Provider is the litellm_provider of the entry, "" when unknown.
func (m *Model) Provider() string { return m.str("litellm_provider") }

// Mode is what the model does: "chat", "responses", "embedding", …; "" when unknown.
func (m *Model) Mode() string { return m.str("mode") }

// MaxInput is the context window for input in tokens, 0 when unknown.
func (m *Model) MaxInput() int64 { return m.first("max_input_tokens", "max_tokens") }

// MaxOutput is the largest answer in tokens, 0 when unknown.
func (m *Model) MaxOutput() int64 { return m.first("max_output_tokens", "max_tokens") }

// Deprecated returns the day (midnight UTC) from which the vendor no longer promises
// the model, and whether one is known. Whether it has passed is the caller's clock's.
func (m *Model) Deprecated() (time.Time, bool) {
	day, err := time.Parse(time.DateOnly, m.str("deprecation_date"))
	return day, err == nil
}

// Flag answers a yes-or-no ability such as "supports_vision" or "thinking_always_on",
// and whether it is known at all.
func (m *Model) Flag(name string) (value, known bool) {
	raw, _ := m.text(name)
	return raw == "true", raw == "true" || raw == "false"
}

// Int answers a whole number, also one written 8192.0 or "8192".
func (m *Model) Int(key string) (int64, bool) {
	raw, ok := m.text(key)
	if !ok {
		return 0, false
	}
	return parseScaled(strings.Trim(raw, `"`), 0)
}

// Str answers a text field.
func (m *Model) Str(key string) (string, bool) {
	raw, ok := m.text(key)
	if !ok || len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if strings.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], true
	}
	var s string
	if json.Unmarshal([]byte(raw), &s) != nil {
		return "", false
	}
	return s, true
}

// Raw answers any field as compact JSON. The bytes are the caller's own.
func (m *Model) Raw(key string) ([]byte, bool) {
	raw, ok := m.text(key)
	if !ok {
		return nil, false
	}
	return []byte(raw), true
}

// Fields returns every known field as compact JSON, for listings.
func (m *Model) Fields() map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	m.each(func(field, value string) { out[field] = json.RawMessage(value) })
	return out
}

// With returns the model with some fields replaced, as model_info and litellm_params
// of a configuration do. Values may be anything that JSON can say, or a
// json.RawMessage; null takes a field away. A nil model gives one that knows only
// the overrides.
func (m *Model) With(overrides map[string]any) *Model {
	if len(overrides) == 0 {
		return m
	}
	out := &Model{row: noRow, changed: map[string]string{}}
	if m != nil {
		out.key, out.row, out.inferred = m.key, m.row, m.inferred
		maps.Copy(out.changed, m.changed)
	}
	for name, v := range overrides {
		if raw, err := json.Marshal(v); err == nil {
			out.changed[name] = string(raw)
		}
	}
	return out
}

func (m *Model) text(field string) (string, bool) {
	if m == nil {
		return "", false
	}
	if raw, ok := m.changed[field]; ok {
		return raw, raw != "null"
	}
	if id, ok := table().Field(field); ok && m.row != noRow {
		if raw, ok := table().Value(m.row, id); ok {
			return raw, true
		}
	}
	raw, ok := m.inferred[field]
	return raw, ok
}

// each visits every known field once.
func (m *Model) each(visit func(field, value string)) {
	if m == nil {
		return
	}
	seen := maps.Clone(m.inferred)
	if seen == nil {
		seen = map[string]string{}
	}
	table().Each(m.row, func(field, value string) bool {
		seen[field] = value
		return true
	})
	maps.Copy(seen, m.changed)
	for field, value := range seen {
		if value != "null" {
			visit(field, value)
		}
	}
}

func (m *Model) str(field string) string {
	s, _ := m.Str(field)
	return s
}

func (m *Model) first(keys ...string) int64 {
	for _, k := range keys {
		if n, ok := m.Int(k); ok && n > 0 {
			return n
		}
	}
	return 0
}
