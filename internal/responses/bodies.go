package responses

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Deleted is the answer to DELETE /v1/responses/{id}.
func Deleted(id string) rawjson.Value {
	dst := rawjson.AppendStringMember([]byte{'{'}, "id", id)
	return append(dst, `,"object":"response","deleted":true}`...)
}

// InputTokens is the answer to POST /v1/responses/input_tokens.
func InputTokens(n int64) rawjson.Value {
	return append(rawjson.AppendIntMember([]byte(`{"object":"response.input_tokens"`), "input_tokens", n), '}')
}

// Cancelled answers POST /v1/responses/{id}/cancel: an answer that ran in the
// foreground is over and cannot be cancelled (400); one of the background that has
// ended comes back as it is.
func Cancelled(r *Record) (rawjson.Value, error) {
	if !r.Body.Get("background").True() {
		return nil, llm.BadRequest("", "Cannot cancel a synchronous response.")
	}
	return r.Body, nil
}

// Page says which part of a list of items is wanted; the zero value is the first
// page, newest first.
type Page struct {
	// Limit of items, 1 to 100; 0 means 20.
	Limit int
	// Ascending lists in the order of the conversation.
	Ascending bool
	// After is the id of the last item of the page before, "" for the first page.
	After string
}

// The sizes of a page.
const (
	defaultPage = 20
	maxPage     = 100
)

// ParsePage reads limit, order and after of a query string, "" for what is absent.
func ParsePage(limit, order, after string) (Page, error) {
	p := Page{Limit: defaultPage, Ascending: order == "asc", After: after}
	if order != "" && order != "asc" && order != "desc" {
		return p, llm.BadRequest("order", "'order' must be asc or desc.")
	}
	if limit == "" {
		return p, nil
	}
	n, err := strconv.Atoi(limit)
	if err != nil || n < 1 || n > maxPage {
		return p, llm.BadRequest("limit", "'limit' must be a number from 1 to 100.")
	}
	p.Limit = n
	return p, nil
}

// InputItems is the answer to GET /v1/responses/{id}/input_items: the items of the
// request with an id each.
func InputItems(r *Record, p Page) (rawjson.Value, error) {
	items, ids := identified(r)
	if !p.Ascending {
		slices.Reverse(items)
		slices.Reverse(ids)
	}
	from := 0
	if p.After != "" {
		if from = slices.Index(ids, p.After) + 1; from == 0 {
			return nil, llm.BadRequest("after", "No item with id '"+clipped(p.After)+"'.")
		}
	}
	if p.Limit <= 0 {
		p.Limit = defaultPage
	}
	to := min(from+p.Limit, len(items))
	dst := append([]byte(`{"object":"list","data":[`), joined(items[from:to])...)
	dst = append(dst, `],"first_id":`...)
	dst = appendID(dst, ids[from:to], 0)
	dst = append(dst, `,"last_id":`...)
	dst = appendID(dst, ids[from:to], to-from-1)
	dst = append(dst, `,"has_more":`...)
	return append(strconv.AppendBool(dst, to < len(items)), '}'), nil
}

func joined(items []rawjson.Value) []byte {
	var dst []byte
	for i, v := range items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, v...)
	}
	return dst
}

func appendID(dst []byte, ids []string, i int) []byte {
	if i < 0 || i >= len(ids) {
		return append(dst, "null"...)
	}
	return rawjson.AppendString(dst, ids[i])
}

// identified lists the items of a request; one without an id gets one that stays the
// same, and a message its type.
func identified(r *Record) (items []rawjson.Value, ids []string) {
	for i, v := range r.Input.Elems() {
		id := v.Get("id").Text()
		if v.Kind() == '{' && (id == "" || v.Get("type") == nil) {
			obj := rawjson.ParseObject(v)
			if obj.Get("type") == nil && obj.Get("role") != nil {
				obj.Set("type", rawjson.String("message"))
			}
			if id == "" {
				id = mint(r.ID, i, obj.Get("type").Text())
				obj.Set("id", rawjson.String(id))
			}
			v = obj.Value()
		}
		items, ids = append(items, v), append(ids, id)
	}
	return items, ids
}

func mint(answer string, index int, typ string) string {
	sum := sha256.Sum256([]byte(answer + "\x00" + strconv.Itoa(index)))
	prefix := "item_"
	switch typ {
	case "message":
		prefix = "msg_"
	case "function_call":
		prefix = "fc_"
	case "function_call_output":
		prefix = "fco_"
	case "reasoning":
		prefix = "rs_"
	}
	return prefix + hex.EncodeToString(sum[:20])
}
