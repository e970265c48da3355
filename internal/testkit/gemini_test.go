package testkit_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// geminiLoop is a correct second request of a tool loop with two parallel calls.
func geminiLoop(f *testkit.Fake) string {
	return `{"systemInstruction":{"parts":[{"text":"be brief"}]},"contents":[
 {"role":"user","parts":[{"text":"weather?"}]},
 {"role":"model","parts":[{"functionCall":{"id":"a","name":"weather","args":{"city":"Paris"}},"thoughtSignature":"` + f.Signature() + `"},
   {"functionCall":{"id":"b","name":"time","args":{}}}]},
 {"role":"user","parts":[{"functionResponse":{"id":"a","name":"weather","response":{"content":"sun"}}},
   {"functionResponse":{"id":"b","name":"time","response":{"now":5}}}]}],
 "tools":[{"functionDeclarations":[{"name":"weather","description":"d","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}},
   {"name":"time"}]}],"generationConfig":{"temperature":1}}`
}

func askGemini(f *testkit.Fake, model string) func(*testing.T, string) answer {
	return func(t *testing.T, body string) answer {
		t.Helper()
		a, err := post(t, f.URL()+"/models/"+model+":generateContent", body, "X-Goog-Api-Key", f.Key())
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

const (
	signatureAt = "contents.1.parts.0.thoughtSignature"
	schemaAt    = "tools.0.functionDeclarations.0.parameters"
	placeholder = `"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="`
)

func TestGeminiRefusesLostSignatures(t *testing.T) {
	f := testkit.NewGemini(t)
	other := testkit.NewGemini(t, testkit.WithAccount("other"))
	foreign := `"` + other.Signature() + `"`
	const missing = "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, " +
		"and missing thought_signature may lead to degraded model performance. Additional data, function call `default_api:weather` , position 2. " +
		"Please refer to https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
	laterTurn := `{"role":"user","parts":[{"text":"and now?"}]}`
	mixed := `{"text":"note"}`
	check(t, f, geminiLoop(f), askGemini(f, "gemini-3.1-pro-preview"), []rule{
		{"correct request", nil, ""},
		{"missing on the first call", one(signatureAt, "-"), missing},
		{"placeholder", one(signatureAt, placeholder), ""},
		{"plain placeholder", one(signatureAt, `"skip_thought_signature_validator"`), ""},
		{"of another account", one(signatureAt, foreign), "Corrupted thought signature."},
		{"not base64", one(signatureAt, `"!!!"`), "Base64 decoding failed"},
		{"inside the call", []edit{{signatureAt, "-"}, {"contents.1.parts.0.functionCall.thoughtSignature", placeholder}}, "Unknown name \"thoughtSignature\""},
		{"missing in an earlier turn", []edit{{signatureAt, "-"}, {"contents.-1", laterTurn}}, ""},
		{"mixed content opens no turn", []edit{{signatureAt, "-"}, {"contents.2.parts.2", mixed}}, missing},
		{"snake case", []edit{{signatureAt, "-"}, {"contents.1.parts.0.thought_signature", placeholder}}, ""},
	})
	check(t, f, geminiLoop(f), askGemini(f, "gemini-3-flash-preview"), []rule{
		{"every step needs its own", []edit{
			{"contents.3", `{"role":"model","parts":[{"functionCall":{"name":"time","args":{}}}]}`},
			{"contents.4", `{"role":"user","parts":[{"functionResponse":{"name":"time","response":{}}}]}`},
		}, "`default_api:time` , position 4"},
	})
}

func TestGeminiDoesNotAskOlderModelsForSignatures(t *testing.T) {
	f := testkit.NewGemini(t)
	noIDs := []edit{
		{signatureAt, "-"},
		{"contents.1.parts.0.functionCall.id", "-"},
		{"contents.1.parts.1.functionCall.id", "-"},
		{"contents.2.parts.0.functionResponse.id", "-"},
		{"contents.2.parts.1.functionResponse.id", "-"},
	}
	check(t, f, geminiLoop(f), askGemini(f, "gemini-2.5-pro"), []rule{
		{"unsigned and without ids", noIDs, ""},
		{"ids", nil, "Unknown name \"id\""},
		{"thinking level", append(noIDs[:5:5], edit{"generationConfig.thinkingConfig", `{"thinkingLevel":"low"}`}), "Thinking level is not supported"},
		{"budget 0", append(noIDs[:5:5], edit{"generationConfig.thinkingConfig", `{"thinkingBudget":0}`}), "Budget 0 is invalid"},
		{"JSON and functions", append(noIDs[:5:5], edit{"generationConfig.responseMimeType", `"application/json"`}), "Function calling with a response mime type"},
		{"search and functions", append(noIDs[:5:5], edit{"tools.1", `{"googleSearch":{}}`}), "Tool use with function calling is unsupported"},
	})
}

func TestGeminiRefusesBrokenConversations(t *testing.T) {
	f := testkit.NewGemini(t)
	const number = "number of function response parts is equal to the number of function call parts"
	check(t, f, geminiLoop(f), askGemini(f, "gemini-3.6-flash"), []rule{
		{"correct request", nil, ""},
		{"response missing", one("contents.2.parts.1", "-"), number},
		{"response too many", one("contents.2.parts.2", `{"functionResponse":{"name":"time","response":{}}}`), number},
		{"text instead of responses", one("contents.2.parts", `[{"text":"x"}]`), number},
		{"ends with calls", one("contents.2", "-"), number},
		{"other names", one("contents.2.parts.1.functionResponse.name", `"clock"`), "names match"},
		{"other ids", one("contents.2.parts.1.functionResponse.id", `"z"`), "names match"},
		{"response without calls", one("contents.1.parts", `[{"text":"x"}]`), "function response turn comes immediately after a function call turn"},
		{"opens with a call", one("contents.0", "-"), "function call turn comes immediately after a user turn"},
		{"call after the model", one("contents.0.role", `"model"`), "function call turn comes immediately after a user turn"},
		{"ends with the model", one("contents.3", `{"role":"model","parts":[{"text":"x"}]}`), "Requests ending with a model turn are not supported"},
		{"text after a response", one("contents.2.parts.2", `{"text":"x"}`), "Requests ending with a model turn are not supported"},
		{"role", one("contents.0.role", `"assistant"`), "Please use a valid role"},
		{"no parts", one("contents.0.parts", `[]`), "parts must not be empty"},
		{"no contents", one("contents", `[]`), "contents is not specified"},
		{"empty part", one("contents.0.parts.0", `{}`), "required oneof field 'data'"},
		{"two data", one("contents.0.parts.0.inlineData", `{"mimeType":"a/b","data":""}`), "required oneof field 'data'"},
		{"unknown part field", one("contents.0.parts.0.cache_control", `{}`), "Unknown name \"cacheControl\" at 'contents[0].parts[0]'"},
		{"unknown top-level field", one("messages", `[]`), "Unknown name \"messages\""},
		{"unknown config field", one("generationConfig.max_tokens", `1`), "Unknown name \"maxTokens\" at 'generation_config'"},
		{"suffix in the id", one("contents.1.parts.0.functionCall.id", `"a__thought__x"`), "carries a signature"},
		{"response not an object", one("contents.2.parts.0.functionResponse.response", `"x"`), "google.protobuf.Struct"},
		{"args not an object", one("contents.1.parts.0.functionCall.args", `"x"`), "google.protobuf.Struct"},
		{"bad base64", one("contents.0.parts.1", `{"inlineData":{"mimeType":"image/png","data":"!"}}`), "Base64 decoding failed"},
		{"budget and level", one("generationConfig.thinkingConfig", `{"thinkingBudget":1,"thinkingLevel":"low"}`), "only one of thinking budget and thinking level"},
		{"config without functions", []edit{{"tools", "-"}, {"toolConfig", `{"functionCallingConfig":{"mode":"AUTO"}}`}}, "without function_declarations"},
		{"names with AUTO", one("toolConfig", `{"functionCallingConfig":{"mode":"AUTO","allowedFunctionNames":["time"]}}`), "Allowed function names"},
		{"penalties", one("generationConfig.presencePenalty", `1`), "Penalty is not enabled"},
	})
	prefill := apply(t, geminiLoop(f), edit{"contents.3", `{"role":"model","parts":[{"text":"x"}]}`})
	for model, want := range map[string]int{"gemini-3.1-pro-preview": 200, "gemini-3.5-flash": 200, "gemini-3.5-flash-lite": 400, "gemini-flash-latest": 400} {
		if got := askGemini(f, model)(t, prefill); got.status != want {
			t.Errorf("%s answers a last turn of the model with %d, want %d: %s", model, got.status, want, got.body)
		}
	}
}

func TestGeminiRefusesSchemasOutsideItsSubset(t *testing.T) {
	f := testkit.NewGemini(t)
	const jsonAt = "tools.0.functionDeclarations.0.parametersJsonSchema"
	plain := func(schema string) []edit { return []edit{{schemaAt, "-"}, {jsonAt, schema}} }
	check(t, f, geminiLoop(f), askGemini(f, "gemini-3-pro-preview"), []rule{
		{"keyword", one(schemaAt+".additionalProperties", `false`), "Unknown name \"additionalProperties\""},
		{"keyword further down", one(schemaAt+".properties.city.const", `"x"`), "Unknown name \"const\" at 'tools[0].function_declarations[0].parameters.properties[city].value'"},
		{"type list", one(schemaAt+".properties.city.type", `["string","null"]`), ".type'"},
		{"format", one(schemaAt+".properties.city.format", `"uuid"`), "only 'enum' and 'date-time'"},
		{"empty enum value", one(schemaAt+".properties.city.enum", `[""]`), ".enum'"},
		{"integer enum", one(schemaAt+".properties.city.enum", `[1]`), ".enum'"},
		{"array without items", one(schemaAt+".properties.city.type", `"array"`), "items: missing field"},
		{"unknown required name", one(schemaAt+".required", `["town"]`), "required[0]: property is not defined"},
		{"empty object", one(schemaAt, `{"type":"object","properties":{}}`), "should be non-empty for OBJECT type"},
		{"both spellings", one(jsonAt, `{"type":"object","properties":{"a":{"type":"string"}}}`), "Only one of parameters"},
		{"JSON schema", plain(`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":["string","null"]}},"additionalProperties":false}`), ""},
		{"JSON schema keyword", plain(`{"type":"object","properties":{"a":{"type":"string","pattern":"x"}}}`), "keyword \"pattern\" is not supported"},
		{"$schema at the root", plain(`{"$schema":"x","type":"object","properties":{"a":{"type":"string"}}}`), ""},
		{"$schema below", plain(`{"type":"object","properties":{"a":{"$schema":"x","type":"string"}}}`), "keyword \"$schema\""},
		{"$ref with neighbours", plain(`{"type":"object","properties":{"a":{"$ref":"#/$defs/x","description":"d"}},"$defs":{"x":{"type":"string"}}}`), "only have fields that start with $"},
		{"boolean enum", plain(`{"type":"object","properties":{"a":{"enum":[true]}}}`), "only strings and numbers"},
		{"empty JSON schema object", plain(`{"type":"object","properties":{}}`), "should be non-empty"},
		{"response schema without mime type", one("generationConfig.responseJsonSchema", `{"type":"object"}`), "only supported with response mime type"},
		{"function name", one("tools.0.functionDeclarations.1.name", `"a b"`), "Invalid function name"},
		{"strict", one("tools.0.functionDeclarations.1.strict", `true`), "Unknown name \"strict\""},
	})
}

func TestGeminiRefusesAWrongKey(t *testing.T) {
	f := testkit.NewGemini(t)
	got, err := post(t, f.URL()+"/models/gemini-3-pro-preview:generateContent", geminiLoop(f), "X-Goog-Api-Key", "no")
	if err != nil || got.status != 400 || got.get("error.message") != "API key not valid. Please pass a valid API key." {
		t.Fatalf("wrong key: %v %d %s", err, got.status, got.body)
	}
}

func TestGeminiSignsTheFirstCallOnly(t *testing.T) {
	f := testkit.NewGemini(t)
	ask := `{"contents":[{"role":"user","parts":[{"text":"<<call:weather {\"city\":\"Paris\"} && time {}>>"}]}],
	  "tools":[{"functionDeclarations":[{"name":"weather"},{"name":"time"}]}]}`
	got := askGemini(f, "gemini-3-pro-preview")(t, ask)
	sig := got.get("candidates.0.content.parts.0.thoughtSignature")
	if _, err := base64.StdEncoding.DecodeString(sig); err != nil || len(sig) < 400 {
		t.Fatalf("the first call has the signature %q: %v", sig, err)
	}
	if strings.Contains(got.get("candidates.0.content.parts.1"), "thoughtSignature") {
		t.Fatalf("the second call is signed: %s", got.body)
	}
	if got := askGemini(f, "gemini-2.5-pro")(t, ask); strings.Contains(got.body, "thoughtSignature") {
		t.Fatalf("2.5 signs: %s", got.body)
	}
}

func TestGeminiBringsALateSignature(t *testing.T) {
	f := testkit.NewGemini(t, testkit.WithReplies(testkit.Reply{Calls: []testkit.Call{{Name: "a", Args: "{}"}}, LateSignature: true}))
	url := f.URL() + "/models/gemini-3-pro-preview:streamGenerateContent?alt=sse"
	got, err := post(t, url, `{"contents":[{"role":"user","parts":[{"text":"x"}]}]}`, "X-Goog-Api-Key", f.Key())
	events := strings.Split(strings.TrimSpace(got.body), "\r\n\r\n")
	if err != nil || len(events) != 2 || strings.Contains(events[0], "thoughtSignature") || !strings.Contains(events[1], `"text":"","thoughtSignature"`) {
		t.Fatalf("%v: %q", err, events)
	}
}
