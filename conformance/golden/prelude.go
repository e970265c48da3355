package golden

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// FirstTurn is the prelude of a two-turn case as a vector of its own, nil when there is none.
func (v *Vector) FirstTurn() *Vector {
	p := v.Prelude
	if p == nil {
		return nil
	}
	return &Vector{
		Case: p.From, Config: v.Config, Request: p.Request, Upstream: p.Upstream,
		Response: Answer{Status: 200, Body: p.ResponseBody},
		known:    v.known, signaturesSeen: v.signaturesSeen,
	}
}

// ContinueFrom puts the gateway's own first answer (its message, content blocks, calls and ids) where the recorded
// client had used LiteLLM's, and returns the case to run then.
func (v *Vector) ContinueFrom(answer json.RawMessage) (*Vector, error) {
	s := &secondTurn{}
	if err := s.compare(rawjson.Value(v.Prelude.ResponseBody), rawjson.Value(answer)); err != nil {
		return v, err
	}
	next := *v
	next.Request.Body = s.replaceIDs(s.replace(nil, rawjson.Value(v.Request.Body)))
	return &next, nil
}

// secondTurn knows what the second turn took from the recorded first answer and what stands there now.
type secondTurn struct {
	values []valuePair
	ids    []idPair
}

type valuePair struct {
	recorded any
	now      rawjson.Value
}

type idPair struct{ recorded, now string }

var errOtherShape = errors.New("the first answer has another shape than the recorded one")

func (s *secondTurn) compare(recorded, now rawjson.Value) error {
	switch {
	case recorded.Get("choices") != nil:
		return s.compareChat(recorded, now)
	case recorded.Get("output") != nil:
		s.id(recorded.Get("id"), now.Get("id"))
		return s.calls(itemsOf(recorded.Get("output"), "function_call"), itemsOf(now.Get("output"), "function_call"), "call_id")
	case recorded.Get("candidates") != nil:
		return s.value(recorded.Get("candidates").First().Get("content"), now.Get("candidates").First().Get("content"))
	case recorded.Get("content") != nil:
		if err := s.value(recorded.Get("content"), now.Get("content")); err != nil {
			return err
		}
		return s.calls(itemsOf(recorded.Get("content"), "tool_use"), itemsOf(now.Get("content"), "tool_use"), "id")
	}
	return nil
}

func (s *secondTurn) compareChat(recorded, now rawjson.Value) error {
	a, b := recorded.Get("choices").First().Get("message"), now.Get("choices").First().Get("message")
	if err := s.value(a, b); err != nil {
		return err
	}
	x, y := elements(a.Get("tool_calls")), elements(b.Get("tool_calls"))
	for i := range min(len(x), len(y)) {
		s.id(x[i].Get("id"), y[i].Get("id"))
	}
	return nil
}

func (s *secondTurn) value(recorded, now rawjson.Value) error {
	if !now.Present() {
		return errOtherShape
	}
	s.values = append(s.values, valuePair{tree(recorded), now})
	return nil
}

func (s *secondTurn) calls(recorded, now []rawjson.Value, idKey string) error {
	for i := range min(len(recorded), len(now)) {
		if err := s.value(recorded[i], now[i]); err != nil {
			return err
		}
		s.id(recorded[i].Get(idKey), now[i].Get(idKey))
	}
	return nil
}

func elements(v rawjson.Value) []rawjson.Value {
	var out []rawjson.Value
	for _, x := range v.Elems() {
		out = append(out, x)
	}
	return out
}

func itemsOf(v rawjson.Value, kind string) []rawjson.Value {
	return slices.DeleteFunc(elements(v), func(x rawjson.Value) bool { return !x.Get("type").Is(kind) })
}

const cutLength = 40 // bytes to which some clients cut ids

// id remembers an id, what stands before its signature, and its cut form.
func (s *secondTurn) id(recorded, now rawjson.Value) {
	a, b := recorded.Text(), now.Text()
	if a == b || a == "" || b == "" {
		return
	}
	s.ids = append(s.ids, idPair{a, b})
	if plain, _, ok := strings.Cut(a, "__thought__"); ok {
		now, _, _ := strings.Cut(b, "__thought__")
		s.ids = append(s.ids, idPair{plain, now})
	}
	if len(a) > cutLength {
		s.ids = append(s.ids, idPair{a[:cutLength], b[:min(cutLength, len(b))]})
	}
}

// replace copies v with every recorded value replaced, keeping the order of keys.
func (s *secondTurn) replace(dst []byte, v rawjson.Value) []byte {
	t := tree(v)
	for _, p := range s.values {
		if equal(p.recorded, t) {
			return append(dst, p.now...)
		}
	}
	switch v.Kind() {
	case '{':
		dst = append(dst, '{')
		for f := range v.Fields() {
			dst = append(append(rawjson.AppendComma(dst), f.Key...), ':')
			dst = s.replace(dst, f.Value)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for _, x := range v.Elems() {
			dst = s.replace(rawjson.AppendComma(dst), x)
		}
		return append(dst, ']')
	}
	return append(dst, v...)
}

// replaceIDs replaces recorded ids, the longest first, at the end of strings; in two steps, so that a new id is never
// taken for an old one.
func (s *secondTurn) replaceIDs(body []byte) json.RawMessage {
	ids := slices.Clone(s.ids)
	slices.SortStableFunc(ids, func(a, b idPair) int { return cmp.Compare(len(b.recorded), len(a.recorded)) })
	text := string(body)
	mark := func(i int) string { return fmt.Sprintf("\x00%d\x00", i) }
	for i, p := range ids {
		text = strings.ReplaceAll(text, inner(p.recorded)+`"`, mark(i)+`"`)
	}
	for i, p := range ids {
		text = strings.ReplaceAll(text, mark(i), inner(p.now))
	}
	return json.RawMessage(text)
}

func inner(s string) string { return strings.Trim(dump(s), `"`) }
