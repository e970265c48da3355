package responses

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Bounds of a conversation that is put together from its answers.
const (
	maxTurns = 2000
	maxChain = 64 << 20 // bytes
	// maxUnknown is after how many references that lead nowhere the rest is not looked up.
	maxUnknown = 1000
)

// previousKey tells the dialect the id that a request went on from, after Prepare
// has put the conversation into the input.
const previousKey = "fairlead_previous_response_id"

// Chain returns the items of a conversation in order: of every answer up to and
// including id, what was asked and what was answered. An answer that is gone breaks
// the chain: error 400 previous_response_not_found.
func Chain(s Store, tenant, id string) ([]rawjson.Value, error) {
	var turns []Record
	var size int64
	seen := map[string]bool{}
	for at := id; at != ""; {
		r, ok, err := s.Get(tenant, at)
		if err != nil {
			return nil, err
		}
		if !ok || seen[at] {
			return nil, previousNotFound(id)
		}
		seen[at] = true
		size += r.Size()
		if len(turns) >= maxTurns || size > maxChain {
			return nil, llm.BadRequest("previous_response_id", "The conversation behind previous_response_id is longer than the gateway puts together; send it as input.")
		}
		turns = append(turns, r)
		at = r.PreviousID
	}
	var items []rawjson.Value
	for _, r := range slices.Backward(turns) {
		items = appendElems(items, r.Input)
		items = appendElems(items, r.Output)
	}
	return items, nil
}

func appendElems(items []rawjson.Value, list rawjson.Value) []rawjson.Value {
	for _, v := range list.Elems() {
		items = append(items, v)
	}
	return items
}

// Prepare makes a request independent of the store: the conversation behind
// previous_response_id goes before its input, and references to items become the
// items. A reference that the tenant's answers do not explain stays, for an upstream
// that may know it. A body that has neither comes back as it is. PreviousID is the
// id that it went on from, "" for none.
func Prepare(s Store, tenant string, body rawjson.Value) (out rawjson.Value, previousID string, err error) {
	previousID = body.Get("previous_response_id").Text()
	input := body.Get("input")
	if previousID == "" && !hasReference(input) {
		return body, "", nil
	}
	var items []rawjson.Value
	if previousID != "" {
		if items, err = Chain(s, tenant, previousID); err != nil {
			return nil, "", err
		}
	}
	known := ids(items)
	unknown := 0
	size := 0 // of the items that references stand for
	for _, v := range Items(input).Elems() {
		if id, ok := reference(v); ok {
			if known[id] {
				continue // it stands in the conversation already
			}
			if unknown > maxUnknown {
				items = append(items, v)
				continue
			}
			item, found, err := s.Item(tenant, id)
			switch {
			case err != nil:
				return nil, "", err
			case found && size+len(item) > maxChain:
				return nil, "", llm.BadRequest("input", "The items that input refers to are more than the gateway puts together; send them as they are.")
			case found:
				v = item
				size += len(item)
			default:
				unknown++
			}
		}
		items = append(items, v)
	}
	return rewrite(body, items, previousID), previousID, nil
}

func ids(items []rawjson.Value) map[string]bool {
	out := make(map[string]bool, len(items))
	for _, v := range items {
		if id := v.Get("id").Text(); id != "" {
			out[id] = true
		}
	}
	return out
}

func hasReference(input rawjson.Value) bool {
	for _, v := range input.Elems() {
		if _, ok := reference(v); ok {
			return true
		}
	}
	return false
}

// reference reads an item_reference, also in its short form {"id": …}.
func reference(v rawjson.Value) (id string, ok bool) {
	typ := v.Get("type")
	if typ.Is("item_reference") || (!typ.Present() && v.Get("role") == nil && v.Get("id").Kind() == '"') {
		return v.Get("id").Text(), true
	}
	return "", false
}

// rewrite writes the body with another input and without previous_response_id.
func rewrite(body rawjson.Value, items []rawjson.Value, previousID string) rawjson.Value {
	n := len(body) + 128
	for _, v := range items {
		n += len(v) + 1
	}
	dst := append(make([]byte, 0, n), '{')
	for f := range body.Fields() {
		switch f.Name() {
		case "input", "previous_response_id", previousKey:
			continue
		}
		dst = append(append(append(rawjson.AppendComma(dst), f.Key...), ':'), f.Value...)
	}
	dst = append(rawjson.AppendKey(dst, "input"), '[')
	for _, v := range items {
		dst = append(rawjson.AppendComma(dst), v...)
	}
	dst = append(dst, ']')
	if previousID != "" {
		dst = rawjson.AppendStringMember(dst, previousKey, previousID)
	}
	return append(dst, '}')
}
