package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func TestGoodTextsAreAccepted(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `""`, `0`, `-0`, `1e5`, `-1.5E-7`, `true`, `false`, `null`, " \t\r\n{ \"a\" : [ 1 , 2 ] } ",
		`"\u00e9\ud83d\ude00\/\b\f\n\r\t\\\""`, `{"a":1,"a":2}`, `"` + strings.Repeat("é", 100) + `"`, `[[[[]]],{"x":{}}]`,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), `12345678901234567890123456789`, `1e400`,
	} {
		v, err := Check([]byte(text))
		if err != nil {
			t.Errorf("%.60s: %v", text, err)
		} else if string(v) != strings.TrimSpace(text) {
			t.Errorf("%.60s: value %.60s", text, v)
		}
	}
}

func TestBadTextsAreRefusedWithTheirPlace(t *testing.T) {
	tests := []struct {
		text      string
		line, col int
		reason    string
	}{
		{``, 1, 1, "unexpected end"},
		{`{bad`, 1, 2, "unexpected character, expected a string key"},
		{"{\n  \"a\": tru\n}", 2, 8, "expected true"},
		{`{"a" 1}`, 1, 6, "expected ':'"},
		{`{"a":1,}`, 1, 8, "expected a string key"},
		{`[1,]`, 1, 4, "expected a value"},
		{`[1 2]`, 1, 4, "expected ',' or ']'"},
		{`{"a":1]`, 1, 7, "expected ',' or '}'"},
		{`1 2`, 1, 3, "after the JSON value"},
		{`01`, 1, 1, "leading zero"},
		{`1.`, 1, 1, "invalid number"},
		{`-`, 1, 1, "invalid number"},
		{`1e`, 1, 1, "invalid number"},
		{`+1`, 1, 1, "expected a value"},
		{`"a`, 1, 3, "end of the text within a string"},
		{`"\x"`, 1, 2, "invalid escape"},
		{`"\u12g4"`, 1, 2, `invalid \u escape`},
		{`"\ud800"`, 1, 2, "lone surrogate"},
		{`"\ude00"`, 1, 2, "lone surrogate"},
		{`"\ud800\u0041"`, 1, 2, "lone surrogate"},
		{"\"a\nb\"", 1, 3, "control character"},
		{"\"\xff\"", 1, 2, "UTF-8"},
		{"\ufeff{}", 1, 1, "expected a value"},
		{strings.Repeat("[", MaxDepth+1), 1, MaxDepth + 1, "deeper"},
		{strings.Repeat(`{"a":`, MaxDepth+1), 1, 5*MaxDepth + 1, "deeper"},
		{`NaN`, 1, 1, "expected a value"},
		{`'a'`, 1, 1, "expected a value"},
		{`{"a":1`, 1, 7, "unexpected end"},
	}
	for _, tc := range tests {
		_, err := Check([]byte(tc.text))
		var s *SyntaxError
		if !errors.As(err, &s) || s.Line != tc.line || s.Column != tc.col || !strings.Contains(s.Reason, tc.reason) {
			t.Errorf("%.40q: %v, want line %d column %d %q", tc.text, err, tc.line, tc.col, tc.reason)
		}
	}
}

func TestKeysFindsDuplicatesAndOtherCases(t *testing.T) {
	known := []string{"model"}
	for text, part := range map[string]string{
		`{"a":1,"a":2}`: "twice", `{"a":1,"\u0061":2}`: "twice", `{"MODEL":1}`: `must be written "model"`,
	} {
		if err := Keys(Value(text), known); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := Keys(Value(`{"model":1,"b":{"b":1,"B":2}}`), known); err != nil {
		t.Error(err)
	}
}

// FuzzCheck compares with jsontext, which is as strict but for nesting and for
// names within objects.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{smallBody, `{"a":[1,{"b":"\ud83d\ude00"}]}`, `"\ud800"`, "\"\x01\"", `[1e5,-0.1]`, `{"a":1,"a":2}`, "{\xff}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Check(data)
		want := jsontext.Value(data).IsValid(jsontext.AllowDuplicateNames(true))
		if depth(data) > MaxDepth {
			want = false
		}
		if (err == nil) != want {
			t.Fatalf("%q: Check %v, jsontext %v", data, err, want)
		}
		sameVerdict(t, string(data))
		if err == nil && string(v) != string(bytes.Trim(data, " \t\r\n")) {
			t.Fatalf("%q: value %q", data, v)
		}
	})
}

// depth is the deepest nesting of a text, strings aside.
func depth(data []byte) int {
	d, most := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipString(data, i) - 1
		case '{', '[':
			d++
			most = max(most, d)
		case '}', ']':
			d--
		}
	}
	return most
}

// FuzzWalk holds that the walkers stay within bounds on any bytes, and agree with
// encoding/json on good ones.
func FuzzWalk(f *testing.F) {
	for _, s := range []string{smallBody, `{"a":"\"`, `{"a":[`, `{"a"`, `[1,`, `{"a\u0062":"\ud83d\ude00"}`, `{"k":"` + strings.Repeat(`\\\"`, 20) + `","z":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v := Value(data)
		walk(v, 0)
		c := Cursor{B: data}
		for ok := c.Open('{'); ok; ok = c.Next() {
			c.Key()
			c.Skip()
		}
		if c.I > len(data)+1 {
			t.Fatalf("the cursor left the text: %d of %d", c.I, len(data))
		}
		good, err := Check(data)
		if err != nil || good.Kind() != '{' || depth(data) > 100 {
			return
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(good, &want) != nil {
			return
		}
		for k, raw := range want {
			if !utf8.ValidString(k) || !bytes.Equal(good.Get(k), bytes.TrimSpace(raw)) {
				t.Fatalf("%q of %q: %q, want %q", k, data, good.Get(k), raw)
			}
			var s string
			if json.Unmarshal(raw, &s) == nil && raw[0] == '"' && good.Get(k).Text() != s {
				t.Fatalf("text of %q: %q, want %q", raw, good.Get(k).Text(), s)
			}
		}
	})
}

func walk(v Value, depth int) {
	v.Str()
	v.Int()
	v.Float()
	if depth > 20 {
		return
	}
	for _, m := range v.Members() {
		walk(m, depth+1)
	}
	for _, e := range v.Elems() {
		walk(e, depth+1)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x00é\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(AppendString(nil, s), &got); err != nil || got != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Fatalf("%q became %q: %v", s, got, err)
		}
		if v := String(s); utf8.ValidString(s) && v.Text() != s {
			t.Fatalf("%q is read back as %q", s, v.Text())
		}
	})
}

// walkChecking steps over every container by hand, as a decoder does.
func walkChecking(c *Cursor, level int) {
	kind := c.Peek()
	if (kind != '{' && kind != '[') || level == 0 {
		c.Skip()
		return
	}
	for ok := c.Open(kind); ok; ok = c.Next() {
		if kind == '{' {
			c.Key()
		}
		walkChecking(c, level-1)
	}
}

// sameVerdict compares Check with a checking walk of every depth by hand.
func sameVerdict(t *testing.T, text string) {
	t.Helper()
	_, want := Check([]byte(text))
	for level := range 5 {
		c := Checking([]byte(text))
		walkChecking(&c, level)
		if got := c.End(); (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
			t.Errorf("%.60q, %d levels by hand: %v, Check says %v", text, level, got, want)
		}
	}
}

func TestACheckingWalkJudgesAsCheckDoes(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `[`, `{}`, `[]`, `{]`, `[}`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `[1,]`, `[1`, `[1,`, `[1 2]`, `{"a" 1}`,
		`{"a":[1}`, `{"a":[1]]`, `[{"a":1]]`, `{a:1}`, ` {"a" : [ { "b" : [ ] } , 2 ] } `, `{} x`, `[{}}`, `[[1,2],[3,{"x":null}]]`, "{\"a\":\"\xff\"}",
		`{"a":tru}`, `{"a":01}`, `"x`, `{"\ud800":1}`, `{"a":{"b":{"c":{"d":{"e":1}}}}}`, `{"a":1}}`,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1),
		strings.Repeat(`{"a":`, MaxDepth) + "1" + strings.Repeat("}", MaxDepth), strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1),
	} {
		sameVerdict(t, text)
	}
}
