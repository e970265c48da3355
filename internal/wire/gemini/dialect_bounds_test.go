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
