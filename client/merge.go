package client

import (
	"encoding/json"
	"slices"
)

// whole are text fields that every chunk has whole, so that the last one counts.
// Every other text grows from chunk to chunk.
var whole = map[string]bool{
	"id": true, "type": true, "role": true, "name": true, "model": true, "format": true,
	"signature": true, "thought_signature": true, "data": true, "encrypted_content": true,
}

// vendor are the objects of vendors' own fields: all that they hold is whole.
var vendor = map[string]bool{"provider_specific_fields": true, "extra_content": true}

// mergeObject adds the fields of a delta. replace says that texts are whole.
func mergeObject(dst, delta map[string]any, replace bool) {
	for name, value := range delta {
		if value == nil {
			continue // says nothing, and would come back as a field that was never there
		}
		dst[name] = merge(name, dst[name], value, replace || vendor[name])
	}
}

// merge returns a field's value after a delta.
func merge(name string, old, value any, replace bool) any {
	switch v := value.(type) {
	case string:
		return mergeText(name, old, v, replace)
	case map[string]any:
		o, ok := old.(map[string]any)
		if !ok {
			o = map[string]any{}
		}
		mergeObject(o, v, replace)
		return o
	case []any:
		return mergeList(name, list(old), v, replace)
	}
	return value
}

func mergeText(name string, old any, value string, replace bool) any {
	before, ok := old.(string)
	switch {
	case !ok:
		return value
	case !replace && !whole[name]:
		return before + value
	case value == "":
		return before
	}
	return value
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// mergeList adds each element to the one that it continues, or at the end.
func mergeList(name string, old, delta []any, replace bool) []any {
	for _, element := range delta {
		fields, ok := element.(map[string]any)
		if !ok {
			old = appendNew(old, element)
			continue
		}
		if open := continued(name, old, fields); open != nil {
			mergeObject(open, fields, replace)
			continue
		}
		fresh := map[string]any{}
		mergeObject(fresh, fields, replace)
		old = append(old, fresh)
	}
	return old
}

// appendNew appends an element unless it is a text that is there already, as
// signatures are that come twice.
func appendNew(old []any, element any) []any {
	if s, ok := element.(string); ok && slices.ContainsFunc(old, func(o any) bool { return o == any(s) }) {
		return old
	}
	return append(old, element)
}

// continued finds the element that a delta continues: the one of its index, or the
// last thinking block that has no signature yet.
func continued(name string, old []any, delta map[string]any) map[string]any {
	if index, ok := delta["index"].(json.Number); ok {
		for _, element := range old {
			if o, _ := element.(map[string]any); o != nil && o["index"] == index {
				return o
			}
		}
		return nil
	}
	if name != "thinking_blocks" || len(old) == 0 || delta["type"] != "thinking" {
		return nil
	}
	last, _ := old[len(old)-1].(map[string]any)
	if last["type"] != "thinking" || text(last["signature"]) != "" {
		return nil
	}
	return last
}
