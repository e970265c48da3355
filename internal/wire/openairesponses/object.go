package openairesponses

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// object writes the response object around the items: the same in every event of a
// stream and in a whole answer.
type object struct {
	// root is what the ids of items are made of.
	root string
	// head holds the members before the status, echo those that repeat the request.
	head, echo []byte
}

func newObject(req *llm.Request, a wire.Answer, upstreamID string, created int64, tier string) *object {
	sum := sha256.Sum256([]byte(a.CallID + "\x00" + upstreamID))
	o := &object{root: hex.EncodeToString(sum[:20])}
	if created <= 0 {
		created = a.Created
	}
	o.name("resp_"+o.root, created)
	o.echo = oneLine(appendEcho(nil, req.Body, a.Model, tier))
	return o
}

func (o *object) name(id string, created int64) {
	o.head = rawjson.AppendStringMember(append(make([]byte, 0, 128), '{'), "id", id)
	o.head = append(o.head, `,"object":"response"`...)
	o.head = rawjson.AppendIntMember(o.head, "created_at", created)
}

// itemID is the id of the item at an index.
func (o *object) itemID(prefix string, index int) string {
	return prefix + o.root + strconv.FormatInt(int64(index), 16)
}

// ending is how a response stands or ends.
type ending struct {
	status     string
	incomplete string // the reason, "" when it is not incomplete
	failure    *llm.Error
	usage      *llm.Usage
	cost       rawjson.Value
	fields     rawjson.Object
}

func endingOf(f llm.Finish) ending {
	switch f {
	case llm.FinishLength:
		return ending{status: "incomplete", incomplete: "max_output_tokens"}
	case llm.FinishContentFilter:
		return ending{status: "incomplete", incomplete: "content_filter"}
	}
	return ending{status: "completed"}
}

// append appends the object; output is the list of items without its brackets.
func (o *object) append(dst []byte, output []byte, e *ending) []byte {
	dst = append(dst, o.head...)
	dst = rawjson.AppendStringMember(dst, "status", e.status)
	dst = append(dst, `,"background":false,"error":`...)
	if e.failure != nil {
		dst = append(rawjson.AppendStringMember(append(dst, '{'), "code", failureCode(e.failure)), ',')
		dst = append(rawjson.AppendStringMember(dst[:len(dst)-1], "message", e.failure.Message), '}')
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"incomplete_details":`...)
	if e.incomplete != "" {
		dst = append(rawjson.AppendStringMember(append(dst, '{'), "reason", e.incomplete), '}')
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(append(append(dst, `,"output":[`...), output...), ']')
	dst = append(dst, o.echo...)
	dst = append(dst, `,"usage":`...)
	if e.usage != nil {
		dst = appendUsage(dst, e.usage, e.cost)
	} else {
		dst = append(dst, "null"...)
	}
	if len(e.fields) > 0 {
		dst = e.fields.Append(rawjson.AppendKey(dst, "provider_specific_fields"))
	}
	return append(dst, '}')
}

// oneLine takes the line breaks out of JSON text, where they are white space: an
// event must not break at them.
func oneLine(b []byte) []byte {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			b[i] = ' '
		}
	}
	return b
}

// echoed are the members of an answer that repeat the request, with what stands
// there when the request does not say.
var echoed = []struct{ name, otherwise string }{
	{"instructions", "null"},
	{"max_output_tokens", "null"},
	{"max_tool_calls", "null"},
	{"parallel_tool_calls", "true"},
	{"previous_response_id", "null"},
	{"prompt_cache_key", "null"},
	{"reasoning", `{"effort":null,"summary":null}`},
	{"safety_identifier", "null"},
	{"store", "true"},
	{"temperature", "null"},
	{"text", `{"format":{"type":"text"}}`},
	{"tool_choice", `"auto"`},
	{"tools", "[]"},
	{"top_logprobs", "null"},
	{"top_p", "null"},
	{"truncation", `"disabled"`},
	{"user", "null"},
	{"metadata", "{}"},
}

func appendEcho(dst []byte, body rawjson.Value, model, tier string) []byte {
	values := make([]rawjson.Value, len(echoed))
	var asked rawjson.Value // the tier that the client asked for
	for f := range body.Fields() {
		name := string(f.Key.Bare())
		switch name {
		case "service_tier":
			asked = present(f.Value)
		case previousKey:
			name = "previous_response_id"
		}
		for i := range echoed {
			if echoed[i].name == name && f.Value.Present() {
				values[i] = f.Value
			}
		}
	}
	dst = append(append(dst, `,"model":`...), rawjson.String(model)...)
	for i := range echoed {
		dst = append(append(append(dst, `,"`...), echoed[i].name...), `":`...)
		if values[i] != nil {
			dst = append(dst, values[i]...)
		} else {
			dst = append(dst, echoed[i].otherwise...)
		}
	}
	if tier != "" {
		return rawjson.AppendStringMember(dst, "service_tier", tier)
	}
	return rawjson.AppendMember(dst, "service_tier", asked)
}

// appendUsage appends a usage object; cost is left out when absent. Source: §5.3.5.
func appendUsage(dst []byte, u *llm.Usage, cost rawjson.Value) []byte {
	total := u.Total
	if total == 0 {
		total = u.Input + u.Output
	}
	dst = rawjson.AppendIntMember(append(dst, '{'), "input_tokens", u.Input)
	dst = append(dst, `,"input_tokens_details":{`...)
	dst = rawjson.AppendIntMember(dst, "cached_tokens", u.CacheRead)
	if n := u.CacheWrite(); n > 0 {
		dst = rawjson.AppendIntMember(dst, "cache_write_tokens", n)
	}
	dst = rawjson.AppendIntMember(append(dst, '}'), "output_tokens", u.Output)
	dst = append(dst, `,"output_tokens_details":{`...)
	dst = rawjson.AppendIntMember(dst, "reasoning_tokens", u.Reasoning)
	dst = rawjson.AppendIntMember(append(dst, '}'), "total_tokens", total)
	return append(rawjson.AppendMember(dst, "cost", cost), '}')
}
