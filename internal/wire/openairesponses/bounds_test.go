package openairesponses

import (
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func TestTopLevelKeysAreBounded(t *testing.T) {
	body := func(n int) rawjson.Value {
		var b strings.Builder
		b.WriteString(`{"input":"hi"`)
		for i := range n - 1 {
			b.WriteString(`,"key` + strconv.Itoa(i) + `":1`)
		}
		return rawjson.Value(b.String() + "}")
	}
	if _, err := (Dialect{}).Decode(body(rawjson.MaxKeys)); err != nil {
		t.Error(err)
	}
	_, err := Dialect{}.Decode(body(rawjson.MaxKeys + 1))
	if e := llm.AsError(err); e == nil || e.Status != 400 || !strings.Contains(e.Message, "1024 keys") {
		t.Error(err)
	}
}
