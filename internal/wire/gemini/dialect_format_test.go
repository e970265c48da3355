package gemini

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func TestAResponseSchemaThatIsNoObjectIsTheClientsMistake(t *testing.T) {
	for schema, good := range map[string]bool{`7`: false, `"x"`: false, `[]`: false, `null`: true, `{"type":"OBJECT"}`: true} {
		for _, name := range []string{"responseSchema", "response_schema"} {
			_, err := Dialect{}.Decode(rawjson.Value(`{"contents":[{"parts":[{"text":"x"}]}],"generationConfig":{"` + name + `":` + schema + `}}`))
			if (err == nil) != good {
				t.Errorf("%s %s: %v", name, schema, err)
			}
			if err != nil && llm.AsError(err).Status != 400 {
				t.Errorf("%s %s: %+v", name, schema, err)
			}
		}
	}
}
