package gemini

import (
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// manyMembers writes n members with keys of their own.
func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"key` + strconv.Itoa(i) + `":1`)
	}
	return b.String()
}

func TestKeysOfARequestAreBounded(t *testing.T) {
	const contents = `{"contents":[{"parts":[{"text":"hi"}]}],`
	tests := []struct {
		body, param string
	}{
		{contents + manyMembers(rawjson.MaxKeys-1) + `}`, ""},
		{contents + manyMembers(rawjson.MaxKeys) + `}`, "request_body"},
		{contents + `"generationConfig":{` + manyMembers(rawjson.MaxKeys) + `}}`, ""},
		{contents + `"generationConfig":{` + manyMembers(rawjson.MaxKeys+1) + `}}`, "generationConfig"},
		{contents + `"tools":[{` + manyMembers(rawjson.MaxKeys+1) + `}]}`, "tools[0]"},
	}
	for i, tc := range tests {
		req, err := Dialect{}.Decode(rawjson.Value(tc.body))
		if err == nil {
			err = Dialect{}.Expand(req)
		}
		e := llm.AsError(err)
		if tc.param == "" && err != nil || tc.param != "" && (e == nil || e.Status != 400 || e.Param != tc.param) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// plenty is room for every schema of a test.
func plenty() *int {
	room := 1 << 30
	return &room
}

// nested is a schema of n levels around another.
func nested(n int, inner string) rawjson.Value {
	return rawjson.Value(strings.Repeat(`{"type":"OBJECT","properties":{"a":`, n) + inner + strings.Repeat(`}}`, n))
}

func TestDeepSchemasAreReadABoundedNumberOfTimes(t *testing.T) {
	junk := `{"type":"STRING","x":[` + strings.Repeat("{},", 1<<16) + `1]}`
	for _, tc := range []struct {
		levels int
		inner  string
		whole  bool
	}{
		{5, junk, true}, {60, `{"type":"STRING"}`, true}, {100, junk, false},
	} {
		v := nested(tc.levels, tc.inner)
		room := rereadRoom(len(v))
		for _, proto := range []bool{false, true} {
			left := room
			out, err := rawjson.Check((&schemaReader{proto: proto, room: &left}).schema(nil, v))
			if err != nil || left < 0 {
				t.Fatalf("%d levels: %d bytes of room are left, %v", tc.levels, left, err)
			}
			if whole := !strings.Contains(string(out), "STRING"); whole != tc.whole || !out.Get("type").Is("object") {
				t.Errorf("%d levels: translated to the end: %v", tc.levels, whole)
			}
		}
	}
}

func TestReferencesInResultsAreFoundAtAnyDepth(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":[1,{"b":{"$ref":2}}]}`: false, `{"a":[1,{"b":{"\u0024ref":2}}]}`: false,
		`{"a":"$ref","b":["$ref",{}]}`: true, `{"a":[],"b":{},"c":null}`: true,
	} {
		if _, ok := plainObject(text); ok != want {
			t.Errorf("%s: an object without reference: %v", text, ok)
		}
	}
}
