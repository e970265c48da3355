package anthropic

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func TestAResponseFormatThatIsNoObjectIsTheClientsMistake(t *testing.T) {
	for format, good := range map[string]bool{`7`: false, `"json"`: false, `[]`: false, `null`: true, `{"type":"json_object"}`: true} {
		_, err := Dialect{}.Decode(rawjson.Value(`{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}],"response_format":` + format + `}`))
		if (err == nil) != good {
			t.Errorf("%s: %v", format, err)
		}
		if err != nil && llm.AsError(err).Status != 400 {
			t.Errorf("%s: %+v", format, err)
		}
	}
}
