// Package responses keeps the answers of the Responses API, so that a client can go
// on from one by its id, read it again and delete it, whatever provider gave it.
//
// Every method is bound to a tenant: an id of another tenant does not exist.
// Source: wire-format specification §5.3.6.
package responses

import (
	"iter"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Record is one kept answer and what was asked.
type Record struct {
	ID string
	// PreviousID is the answer that this one went on from, "" for none.
	PreviousID string
	// Input holds the items of the request, Output those of the answer, as JSON lists.
	Input, Output rawjson.Value
	// Body is the whole answer as the client got it.
	Body rawjson.Value
}

// Size estimates what a record costs, in bytes.
func (r *Record) Size() int64 {
	return int64(len(r.ID) + len(r.PreviousID) + len(r.Input) + len(r.Body) + overhead)
}

// overhead is what a record costs besides its text, in bytes.
const overhead = 512

// ItemIDs are the ids of the answer's items.
func (r *Record) ItemIDs() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, v := range r.Output.Elems() {
			if id := v.Get("id").Text(); id != "" && !yield(id) {
				return
			}
		}
	}
}

// Item returns one item of the answer by its id.
func (r *Record) Item(id string) (rawjson.Value, bool) {
	for _, v := range r.Output.Elems() {
		if v.Get("id").Is(id) {
			return v, true
		}
	}
	return nil, false
}

// Whole completes a record that was read back, of which ID, PreviousID, Input and Body
// are set, and reports whether it is one.
func (r *Record) Whole() bool {
	input, err := rawjson.Check(r.Input)
	if err != nil {
		return false
	}
	body, err := rawjson.Check(r.Body)
	if err != nil {
		return false
	}
	r.Input, r.Body, r.Output = input, body, body.Get("output")
	return body.Get("id").Is(r.ID)
}

// Store keeps records.
type Store interface {
	// Save keeps a record; one with the same id is replaced.
	Save(tenant string, r Record) error
	// Get returns a record; ok is false when the tenant has none with this id.
	Get(tenant, id string) (r Record, ok bool, err error)
	// Item returns one item of an answer by its own id.
	Item(tenant, id string) (item rawjson.Value, ok bool, err error)
	// Delete forgets a record and reports whether there was one.
	Delete(tenant, id string) (bool, error)
}

// NewRecord makes the record of an answer. Input is the request's own input
// (a string or a list), without what came before it. Nothing of the arguments is
// kept: the record has its own copy.
func NewRecord(input rawjson.Value, previousID string, answer rawjson.Value) Record {
	r := Record{ID: answer.Get("id").Text(), PreviousID: previousID, Input: Items(input).Clone(), Body: answer.Clone()}
	r.Output = r.Body.Get("output")
	return r
}

// Items is an input as a list of items: a string is the user's message.
func Items(input rawjson.Value) rawjson.Value {
	switch input.Kind() {
	case '[':
		return input
	case '"':
		dst := append([]byte(`[{"type":"message","role":"user","content":[{"type":"input_text","text":`), input...)
		return append(dst, "}]}]"...)
	}
	return rawjson.Value("[]")
}

// Keeps reports whether a request wants its answer to be kept: unless it says no.
func Keeps(body rawjson.Value) bool {
	on, ok := body.Get("store").Bool()
	return on || !ok
}

// NotFound is the error for an id that the tenant does not have.
func NotFound(id string) *llm.Error {
	return &llm.Error{
		Kind: llm.KindNotFound, Status: 404, Type: "invalid_request_error", Param: "response_id",
		Message: "Response with id '" + clipped(id) + "' not found.",
	}
}

// previousNotFound has the code that clients know.
func previousNotFound(id string) *llm.Error {
	e := llm.BadRequest("previous_response_id", "Previous response with id '"+clipped(id)+"' not found.")
	e.Code = "previous_response_not_found"
	return e
}

func clipped(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}
