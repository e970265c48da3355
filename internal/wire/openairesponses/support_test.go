package openairesponses

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// realSignature is a thought signature of a valid form.
const realSignature = "ZmFrZS1nZW1pbmktdGhvdWdodC1zaWduYXR1cmUtMDAwMQ=="

func checked(t testing.TB, body string) rawjson.Value {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatalf("the test's own JSON is bad: %v\n%s", err, body)
	}
	return v
}

func decoded(t testing.TB, body string) *llm.Request {
	t.Helper()
	req, err := Dialect{}.Decode(checked(t, body))
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return req
}

func expanded(t testing.TB, body string) *llm.Request {
	t.Helper()
	req := decoded(t, body)
	if err := (Dialect{}).Expand(req); err != nil {
		t.Fatalf("Expand: %v", err)
	}
	return req
}

// refusal is the error of Decode or Expand.
func refusal(t testing.TB, body string) *llm.Error {
	t.Helper()
	req, err := Dialect{}.Decode(checked(t, body))
	if err == nil {
		err = Dialect{}.Expand(req)
	}
	var e *llm.Error
	if !errors.As(err, &e) {
		t.Fatalf("no refusal but %v for %s", err, body)
	}
	return e
}

func canonical(t testing.TB, text string) string {
	t.Helper()
	v := jsontext.Value(text)
	if err := v.Canonicalize(); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return string(v)
}

func sameJSON(t testing.TB, got []byte, want string) {
	t.Helper()
	if g, w := canonical(t, string(got)), canonical(t, want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

// outline writes messages in one short line each: role, then parts.
func outline(msgs []llm.Message) string {
	var b strings.Builder
	for _, m := range msgs {
		b.WriteString(string(m.Role) + ":")
		for _, p := range m.Parts {
			b.WriteString(" " + outlinePart(&p))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func outlinePart(p *llm.Part) string {
	state := ""
	if p.State != nil {
		state = "!" + p.State.Provider + "/" + p.State.Signature + p.State.Redacted
	}
	switch p.Kind {
	case llm.PartText:
		return "text(" + p.Text + ")" + state
	case llm.PartThinking:
		return "think(" + p.Text + ")" + state
	case llm.PartRefusal:
		return "refuse(" + p.Text + ")"
	case llm.PartToolCall:
		return "call(" + p.Call.ID + " " + p.Call.Name + " " + p.Call.Arguments + ")" + state
	case llm.PartToolResult:
		out := "result(" + p.Result.CallID
		for i := range p.Result.Parts {
			out += " " + outlinePart(&p.Result.Parts[i])
		}
		return out + ")"
	case llm.PartUnknown:
		return "unknown"
	}
	return "media(" + p.Media.MIME + " " + p.Media.URL + p.Media.Data + p.Media.FileID + ")"
}

func wantOutline(t testing.TB, msgs []llm.Message, want ...string) {
	t.Helper()
	if got := outline(msgs); got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%swant\n%s", got, strings.Join(want, "\n"))
	}
}

var answer = wire.Answer{Model: "shown", CallID: "11111111-2222-3333-4444-555555555555", Created: 1700000000, SignatureInID: true}

// encodeStream runs events through the dialect's encoder; failed, when not nil,
// ends them.
func encodeStream(req *llm.Request, a wire.Answer, events []llm.Event, failed *llm.Error) string {
	enc := Dialect{}.Stream(req, a)
	var out []byte
	for i := range events {
		out = enc.Event(out, &events[i])
	}
	if failed != nil {
		return string(enc.Error(out, failed))
	}
	return string(enc.Close(out))
}

// streamEvent is one event as a client reads it.
type streamEvent struct {
	typ  string
	data rawjson.Value
}

func readEvents(t testing.TB, text string) []streamEvent {
	t.Helper()
	rd := sse.NewReader(strings.NewReader(text), 0)
	var out []streamEvent
	for {
		ev, err := rd.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		v := checked(t, string(ev.Data))
		if !v.Get("type").Is(ev.Name) {
			t.Fatalf("event %q has the type %s", ev.Name, v.Get("type"))
		}
		out = append(out, streamEvent{ev.Name, v})
	}
}

func kinds(events []streamEvent) string {
	var names []string
	for _, e := range events {
		names = append(names, strings.TrimPrefix(e.typ, "response."))
	}
	return strings.Join(names, " ")
}

// finalOf is the response object of the last event.
func finalOf(t testing.TB, events []streamEvent) rawjson.Value {
	t.Helper()
	if len(events) == 0 {
		t.Fatal("the stream is empty")
	}
	return events[len(events)-1].data.Get("response")
}

// holdsOrder checks what every stream must keep, whatever happens: gapless numbers,
// the opening and the end, one open item at a time, pieces that add up to the whole.
func holdsOrder(t testing.TB, text string) []streamEvent {
	t.Helper()
	events := readEvents(t, text)
	o := orderCheck{t: t, index: -1}
	for i, e := range events {
		if n, ok := e.data.Get("sequence_number").Int(); !ok || n != int64(i) {
			t.Fatalf("event %d has the number %s", i, e.data.Get("sequence_number"))
		}
		o.event(i, len(events), e)
	}
	o.end(events)
	return events
}

type orderCheck struct {
	t      testing.TB
	index  int64 // of the item that was announced last
	open   bool
	id     string
	pieces string
	done   []string // the items that are done
}

func (o *orderCheck) event(i, n int, e streamEvent) {
	switch {
	case i == 0 && e.typ != "response.created", i == 1 && e.typ != "response.in_progress":
		o.t.Fatalf("event %d is %s", i, e.typ)
	case (i == n-1) != terminal(e.typ):
		o.t.Fatalf("event %d of %d is %s", i, n, e.typ)
	case i < 2 || terminal(e.typ):
		return
	}
	at, _ := e.data.Get("output_index").Int()
	switch e.typ {
	case "response.output_item.added":
		if o.open || at != o.index+1 {
			o.t.Fatalf("item %d begins while %d is open=%v", at, o.index, o.open)
		}
		o.open, o.index, o.id, o.pieces = true, at, e.data.Path("item", "id").Text(), ""
		return
	case "response.output_item.done":
		o.done = append(o.done, canonical(o.t, string(e.data.Get("item"))))
		if !o.open || at != o.index || e.data.Path("item", "id").Text() != o.id {
			o.t.Fatalf("item %d ends out of order", at)
		}
		o.open = false
		return
	}
	if !o.open || at != o.index || e.data.Get("item_id").Text() != o.id {
		o.t.Fatalf("%s stands outside of its item", e.typ)
	}
	o.piece(e)
}

func (o *orderCheck) piece(e streamEvent) {
	if strings.HasSuffix(e.typ, ".delta") {
		if e.data.Get("delta").Text() == "" {
			o.t.Fatalf("%s is empty", e.typ)
		}
		o.pieces += e.data.Get("delta").Text()
		return
	}
	for _, key := range []string{"text", "refusal", "arguments", "input"} {
		if v := e.data.Get(key); v != nil && v.Text() != o.pieces {
			o.t.Fatalf("%s says %s after the pieces %q", e.typ, v, o.pieces)
		}
	}
}

func terminal(typ string) bool {
	return typ == "response.completed" || typ == "response.incomplete" || typ == "response.failed"
}

func (o *orderCheck) end(events []streamEvent) {
	final := finalOf(o.t, events)
	if events[len(events)-1].typ == "response.failed" {
		return
	}
	if o.open {
		o.t.Fatalf("item %d never ends", o.index)
	}
	n := 0
	for _, v := range final.Get("output").Elems() {
		if n < len(o.done) && canonical(o.t, string(v)) != o.done[n] {
			o.t.Fatalf("item %d differs:\n%s\n%s", n, v, o.done[n])
		}
		n++
	}
	if n != len(o.done) {
		o.t.Fatalf("%d items were done, %d stand in the answer", len(o.done), n)
	}
}
