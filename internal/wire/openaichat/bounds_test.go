package openaichat

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

func TestTopLevelKeysAreBounded(t *testing.T) {
	tests := []struct {
		body, param string
		fits        bool
	}{
		{`{"messages":[],` + manyMembers(rawjson.MaxKeys-1) + `}`, "", true},
		{`{"messages":[],` + manyMembers(rawjson.MaxKeys) + `}`, "request_body", false},
		{`{"messages":[],"extra_body":{` + manyMembers(rawjson.MaxKeys) + `}}`, "", true},
		{`{"messages":[],"extra_body":{` + manyMembers(rawjson.MaxKeys+1) + `}}`, "extra_body", false},
	}
	for i, tc := range tests {
		_, err := Dialect{}.Decode(rawjson.Value(tc.body))
		if tc.fits {
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
			continue
		}
		if e := llm.AsError(err); e == nil || e.Status != 400 || e.Param != tc.param || !strings.Contains(e.Message, "1024 keys") {
			t.Errorf("%d: %v", i, err)
		}
	}
}
