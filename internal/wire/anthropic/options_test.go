package anthropic

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// TestParametersBecomeMembers encodes one parameter and compares the members of the
// body; "" means absent.
func TestParametersBecomeMembers(t *testing.T) {
	for _, tc := range []struct{ model, param, value, member, want string }{
		{legacyModel, "max_tokens", "0", "max_tokens", "0"},
		{legacyModel, "max_completion_tokens", "7", "max_tokens", "7"},
		{legacyModel, "user", `"u1"`, "metadata", `{"user_id":"u1"}`},
		{legacyModel, "user", `"me@example.com"`, "metadata", ""},
		{legacyModel, "user", `"+49 (170) 123-4567"`, "metadata", ""},
		{legacyModel, "temperature", "1.7", "temperature", "1"},
		{legacyModel, "temperature", "0.25", "temperature", "0.25"},
		{legacyModel, "top_k", "5", "top_k", "5"},
		{legacyModel, "stop", `"END"`, "stop_sequences", `["END"]`},
		{legacyModel, "stop", `["a"," "]`, "stop_sequences", `["a"," "]`},
		{legacyModel, "stop", `[]`, "stop_sequences", ""},
		{legacyModel, "service_tier", `"default"`, "service_tier", `"standard_only"`},
		{legacyModel, "service_tier", `"auto"`, "service_tier", `"auto"`},
		{legacyModel, "extra_body", `{"top_k":5,"nonsense":1}`, "top_k", "5"},
		{legacyModel, "extra_body", `{"top_k":5,"nonsense":1}`, "nonsense", ""},
		{legacyModel, "nonsense", "1", "nonsense", ""},
		{legacyModel, "container", `"c"`, "container", `"c"`},
		{legacyModel, "output_config", `{"effort":"low"}`, "output_config", `{"effort":"low"}`},
		{adaptiveModel, "temperature", "1", "temperature", "1"},
		{adaptiveModel, "reasoning_effort", `"xhigh"`, "output_config", `{"effort":"xhigh"}`},
		{adaptiveModel, "reasoning_effort", `"minimal"`, "output_config", `{"effort":"low"}`},
		{"claude-opus-4-6", "reasoning_effort", `"xhigh"`, "output_config", `{"effort":"high"}`},
		{"claude-opus-4-6", "reasoning_effort", `"max"`, "output_config", `{"effort":"max"}`},
	} {
		call := encode(t, request(params(tc.param, tc.value), say(llm.User, "w")), target(tc.model))
		equalJSON(t, tc.model+" "+tc.param+" "+tc.value, member(t, call, tc.member), tc.want)
	}
}

func TestThinkingByModel(t *testing.T) {
	for _, tc := range []struct{ model, param, value, thinking, effort string }{
		{legacyModel, "reasoning_effort", `"none"`, "", ""},
		{legacyModel, "reasoning_effort", `"minimal"`, `{"type":"enabled","budget_tokens":1024}`, ""},
		{legacyModel, "reasoning_effort", `{"effort":"medium","summary":"auto"}`, `{"type":"enabled","budget_tokens":2048}`, ""},
		{legacyModel, "reasoning_effort", `"max"`, `{"type":"enabled","budget_tokens":16384}`, ""},
		{legacyModel, "thinking", `{"type":"adaptive"}`, `{"type":"enabled","budget_tokens":2048}`, ""},
		{legacyModel, "thinking", `{"type":"disabled"}`, `{"type":"disabled"}`, ""},
		{legacyModel, "thinking", `{"type":"enabled","budget_tokens":5}`, `{"type":"enabled","budget_tokens":1024}`, ""},
		{legacyModel, "thinking", `{"type":"between_tools","x":1}`, `{"type":"between_tools","x":1}`, ""},
		{adaptiveModel, "thinking", `{"type":"enabled","budget_tokens":2048}`, `{"type":"adaptive"}`, `"medium"`},
		{adaptiveModel, "thinking", `{"type":"enabled","budget_tokens":9000,"display":"omitted"}`, `{"type":"adaptive","display":"omitted"}`, `"xhigh"`},
		{adaptiveModel, "thinking", `{"type":"disabled"}`, `{"type":"disabled"}`, ""},
		{strictModel, "thinking", `{"type":"disabled"}`, "", ""},
		{"claude-opus-4-6", "thinking", `{"type":"enabled","budget_tokens":2048}`, `{"type":"enabled","budget_tokens":2048}`, ""},
		{"unheard-of", "thinking", `{"type":"adaptive"}`, `{"type":"adaptive"}`, ""},
	} {
		call := encode(t, request(params(tc.param, tc.value), say(llm.User, "w")), target(tc.model))
		what := tc.model + " " + tc.param + " " + tc.value
		equalJSON(t, what, member(t, call, "thinking"), tc.thinking)
		equalJSON(t, what+" effort", member(t, call, "output_config", "effort"), tc.effort)
	}
}

func TestMaxTokensDefaults(t *testing.T) {
	for _, tc := range []struct {
		model, effort string
		deployment    int64
		want          string
	}{
		{legacyModel, "null", 0, "64000"},
		{adaptiveModel, "null", 0, "128000"},
		{legacyModel, "null", 5000, "5000"},
		{"unheard-of", "null", 0, "4096"},
		{legacyModel, `"low"`, 0, "5120"},
		{adaptiveModel, `"low"`, 0, "128000"},
	} {
		tg := target(tc.model)
		tg.DefaultMaxTokens = tc.deployment
		call := encode(t, request(params("reasoning_effort", tc.effort), say(llm.User, "w")), tg)
		equalJSON(t, fmt.Sprint(tc), member(t, call, "max_tokens"), tc.want)
	}
}

func TestContradictoryOrUnknownValuesAreTheClientsMistake(t *testing.T) {
	for _, tc := range []struct{ model, param, value string }{
		{legacyModel, "max_tokens", "-1"},
		{legacyModel, "max_tokens", `"x"`},
		{legacyModel, "max_tokens", "1.5"},
		{legacyModel, "reasoning_effort", `"loads"`},
		{legacyModel, "reasoning_effort", `3`},
		{legacyModel, "thinking", `true`},
		{legacyModel, "thinking", `{}`},
		{legacyModel, "service_tier", `"flex"`},
		{legacyModel, "seed", "7"},
		{legacyModel, "verbosity", `"low"`},
		{strictModel, "top_p", "0.5"},
		{strictModel, "top_k", "3"},
		{oldModel, "reasoning_effort", `"low"`},
	} {
		_, err := New().Encode(request(params(tc.param, tc.value), say(llm.User, "w")), target(tc.model))
		var e *llm.Error
		if !errors.As(err, &e) || e.Status != 400 || !strings.Contains(e.Message, strings.Trim(tc.param, `"`)) {
			t.Errorf("%s %s: %v", tc.param, tc.value, err)
		}
	}
}

func TestUnsupportedParametersAreDroppedAndReported(t *testing.T) {
	tg := target(strictModel)
	tg.Policy.Drop = true
	call := encode(t, request(params("seed", "7", "top_p", "0.5", "service_tier", `"flex"`, "stop", `[" ","x"]`), say(llm.User, "w")), tg)
	for _, name := range []string{"seed", "top_p", "service_tier", "stop"} {
		if !dropped(call, name) {
			t.Errorf("%s was left out silently: %v", name, call.Dropped)
		}
	}
	equalJSON(t, "stop_sequences", member(t, call, "stop_sequences"), `["x"]`)
}

func TestSamplingThatThinkingExcludesIsDropped(t *testing.T) {
	req := request(params("reasoning_effort", `"low"`, "temperature", "0.2", "top_k", "5", "top_p", "0.5"), say(llm.User, "w"))
	call := encode(t, req, target(legacyModel))
	for _, name := range []string{"temperature", "top_k", "top_p"} {
		if member(t, call, name) != "" || !dropped(call, name) {
			t.Errorf("%s: %s", name, call.Body)
		}
	}
}

func TestTemperatureAndTopPTogether(t *testing.T) {
	req := request(params("temperature", "0.2", "top_p", "0.5"), say(llm.User, "w"))
	for model, want := range map[string]string{legacyModel: "", "claude-3-7-sonnet-20250219": "0.5", "claude-3-opus": "0.5", "other": "0.5"} {
		equalJSON(t, model, member(t, encode(t, req, target(model)), "top_p"), want)
	}
}

func TestBetasAndExtraBody(t *testing.T) {
	tg := target(legacyModel)
	tg.Betas = []string{"mine-2025"}
	tg.ExtraBody = params("top_k", "9", "own", "1")
	req := request(params("context_management", `{"edits":[{"type":"compact_20260112"}]}`, "speed", `"fast"`, "mcp_servers", `[]`,
		"container", `{"skills":[]}`, "top_k", "1"), llm.Message{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartFile, Media: &llm.Media{FileID: "file_1"}}}})
	req.Stream = true
	call := encode(t, req, tg)
	want := "mine-2025,context-management-2025-06-27,compact-2026-01-12,fast-mode-2026-02-01,mcp-client-2025-11-20,skills-2025-10-02,files-api-2025-04-14"
	if got := call.Header.Get("Anthropic-Beta"); got != want {
		t.Errorf("betas %s", got)
	}
	equalJSON(t, "top_k", member(t, call, "top_k"), "9")
	equalJSON(t, "own", member(t, call, "own"), "1")
	equalJSON(t, "stream", member(t, call, "stream"), "true")
	if call.Header.Get("Anthropic-Version") != version {
		t.Error("no version")
	}
}

func TestJSONObjectIsAskedForInTheSystemText(t *testing.T) {
	call := encode(t, request(params("response_format", `{"type":"json_object"}`), say(llm.System, "S"), say(llm.User, "w")), target(legacyModel))
	equalJSON(t, "system", member(t, call, "system"), `[{"type":"text","text":"S"},{"type":"text","text":"`+jsonHint+`"}]`)
	call = encode(t, request(params("response_format", `{"type":"text"}`), say(llm.User, "w")), target(legacyModel))
	equalJSON(t, "system", member(t, call, "system"), "")
}

func TestTools(t *testing.T) {
	req := request(params("web_search_options", `{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Paris","region":null}}}`), say(llm.User, "w"))
	req.Tools = []llm.ToolDef{
		function("plain", `{"type":"object","properties":{"a":{}}}`),
		function("plain", `{"type":"object","properties":{"again":{}}}`),
		function("schema", `{"$schema":"x","properties":{"a":{}}}`),
		function("union", `{"anyOf":[{"properties":{"a":{"type":"string"}}},{"properties":{"b":{"type":"string"}}}]}`),
		{Type: "computer_20250124", Raw: rawjson.Value(`{"type":"computer_20250124","function":{"name":"computer","parameters":{"display_width_px":1}}}`)},
		{Type: "bash_20250124", Name: "bash", Raw: rawjson.Value(`{"type":"bash_20250124","name":"bash"}`)},
		{Type: "custom", Name: "own", Raw: rawjson.Value(`{"type":"custom","name":"own","input_schema":{"type":"object","properties":{"z":{}}}}`)},
		{Type: "teleport", Raw: rawjson.Value(`{"type":"teleport"}`)},
	}
	call := encode(t, req, target(legacyModel))
	equalJSON(t, "tools", member(t, call, "tools"), `[
		{"name":"plain","input_schema":{"type":"object","properties":{"a":{}}}},
		{"name":"schema","input_schema":{"type":"object","properties":{"a":{}}}},
		{"name":"union","input_schema":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}},
		{"type":"computer_20250124","name":"computer","display_width_px":1},
		{"type":"bash_20250124","name":"bash"},
		{"name":"own","input_schema":{"type":"object","properties":{"z":{}}}},
		{"type":"web_search_20250305","name":"web_search","max_uses":1,"user_location":{"type":"approximate","city":"Paris"}}]`)
	if !dropped(call, "tool of type teleport") || !dropped(call, "tool plain") || call.Header.Get("Anthropic-Beta") != "computer-use-2025-01-24" {
		t.Errorf("%v, betas %v", call.Dropped, call.Header)
	}
}

func TestStrictToolsStayStrictOnlyWhereTheyCompile(t *testing.T) {
	strict := true
	for _, tc := range []struct {
		model, schema string
		repair        wire.Repair
		want          bool
	}{
		{legacyModel, `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`, "", true},
		{legacyModel, `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`, wire.RepairSchema, false},
		{legacyModel, `{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}`, "", false},
		{oldModel, `{"type":"object","properties":{}}`, "", false},
	} {
		req := request(nil, say(llm.User, "w"))
		req.Tools = []llm.ToolDef{{Type: "function", Name: "f", Parameters: rawjson.Value(tc.schema), Strict: &strict}}
		tg := target(tc.model)
		tg.Repair = tc.repair
		call := encode(t, req, tg)
		if got := rawjson.Value(call.Body).Get("tools").First().Get("strict").True(); got != tc.want {
			t.Errorf("%s %s: strict %v", tc.model, tc.schema, got)
		}
	}
}

func TestRepairedSchemaGoesThroughTheTool(t *testing.T) {
	tg := target(legacyModel)
	tg.Repair = wire.RepairSchema
	req := request(params("response_format", `{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{}}}}`), say(llm.User, "w"))
	if call := encode(t, req, tg); call.JSONTool != jsonTool || member(t, call, "output_config") != "" {
		t.Errorf("%s", call.Body)
	}
}

func TestFormatToolYieldsToTheOtherSettings(t *testing.T) {
	format := []string{"response_format", `{"type":"json_schema","json_schema":{"schema":{"type":"object","additionalProperties":true}}}`}
	withTools := request(params(format...), say(llm.User, "w"))
	withTools.Tools = []llm.ToolDef{function("f", "")}
	equalJSON(t, "beside tools", member(t, encode(t, withTools, target(legacyModel)), "tool_choice"), `{"type":"any"}`)
	thinking := request(params(append(format, "reasoning_effort", `"low"`)...), say(llm.User, "w"))
	equalJSON(t, "with thinking", member(t, encode(t, thinking, target(legacyModel)), "tool_choice"), `{"type":"auto"}`)
}

func TestCacheMarkersAreCappedAndOrdered(t *testing.T) {
	short, hour := rawjson.Value(`{"type":"ephemeral"}`), rawjson.Value(`{"type":"ephemeral","ttl":"1h"}`)
	req := request(nil)
	for i := range 6 {
		p := text(fmt.Sprint("t", i))
		p.CacheControl = short
		req.Messages = append(req.Messages, llm.Message{Role: llm.User, Parts: []llm.Part{p}})
	}
	req.Tools = []llm.ToolDef{{Type: "function", Name: "f", CacheControl: hour}}
	call := encode(t, req, target(legacyModel))
	if n := strings.Count(string(call.Body), `"cache_control"`); n != 4 || !dropped(call, "cache_control") {
		t.Errorf("%d markers: %s", n, call.Body)
	}
	if !strings.Contains(member(t, call, "tools"), `"1h"`) || !strings.Contains(lastMessage(t, call), `{"type":"text","text":"t5","cache_control"`) {
		t.Errorf("the head or the end lost its marker: %s", call.Body)
	}
	late := request(params("cache_control", `{"type":"ephemeral"}`), llm.Message{Role: llm.System, CacheControl: short, Parts: []llm.Part{text("s")}},
		llm.Message{Role: llm.User, CacheControl: hour, Parts: []llm.Part{text("u")}})
	equalJSON(t, "1h after 5m", lastMessage(t, encode(t, late, target(legacyModel))), `{"role":"user","content":[{"type":"text","text":"u","cache_control":{"type":"ephemeral"}}]}`)
}

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func TestMedia(t *testing.T) {
	for _, tc := range []struct {
		kind  llm.PartKind
		media llm.Media
		want  string
	}{
		{llm.PartImage, llm.Media{MIME: "image/png", Data: pixel[:40] + "\n" + pixel[40:]}, `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pixel + `"}}`},
		{llm.PartImage, llm.Media{MIME: "image/jpeg", Data: pixel}, `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pixel + `"}}`},
		{llm.PartImage, llm.Media{Data: pixel}, `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pixel + `"}}`},
		{llm.PartImage, llm.Media{URL: "https://x/y.png"}, `{"type":"image","source":{"type":"url","url":"https://x/y.png"}}`},
		{llm.PartImage, llm.Media{FileID: "file_1"}, `{"type":"image","source":{"type":"file","file_id":"file_1"}}`},
		{llm.PartFile, llm.Media{MIME: "application/pdf", Data: "JVBERi0xLjQK"}, `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQK"}}`},
		{llm.PartFile, llm.Media{Name: "a.PDF", Data: "JVBERi0xLjQK"}, `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQK"}}`},
		{llm.PartFile, llm.Media{Data: "JVBERi0xLjQK"}, `{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjQK"}}`},
		{llm.PartFile, llm.Media{URL: "https://x/y.pdf?z"}, `{"type":"document","source":{"type":"url","url":"https://x/y.pdf?z"}}`},
		{llm.PartFile, llm.Media{MIME: "text/csv", Data: "YSxi"}, `{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"}}`},
		{llm.PartFile, llm.Media{FileID: "file_1"}, `{"type":"document","source":{"type":"file","file_id":"file_1"}}`},
		{llm.PartFile, llm.Media{MIME: "image/png", Data: pixel}, `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pixel + `"}}`},
	} {
		call := encode(t, request(nil, llm.Message{Role: llm.User, Parts: []llm.Part{{Kind: tc.kind, Media: &tc.media}}}), target(legacyModel))
		equalJSON(t, fmt.Sprintf("%+v", tc.media), string(rawjson.Value(call.Body).Get("messages").First().Get("content").First()), tc.want)
	}
}

func TestMediaThatAnthropicCannotReadIsReported(t *testing.T) {
	for name, p := range map[string]llm.Part{
		"input_audio": {Kind: llm.PartAudio, Media: &llm.Media{MIME: "audio/wav", Data: "UklGRg=="}},
		"video":       {Kind: llm.PartVideo, Media: &llm.Media{URL: "https://x"}},
		"file":        {Kind: llm.PartFile, Media: &llm.Media{MIME: "application/zip", Data: "UEsDBA=="}},
		"image":       {Kind: llm.PartImage},
	} {
		call := encode(t, request(nil, llm.Message{Role: llm.User, Parts: []llm.Part{text("what"), p}}), target(legacyModel))
		equalJSON(t, name, lastMessage(t, call), `{"role":"user","content":[{"type":"text","text":"what"}]}`)
		if !dropped(call, name) {
			t.Errorf("%s was left out silently", name)
		}
	}
}

func TestToolResultsWithMediaAndErrors(t *testing.T) {
	r := result("a", "look")
	r.Parts[0].Result.Parts = append(r.Parts[0].Result.Parts, llm.Part{Kind: llm.PartImage, Media: &llm.Media{URL: "https://x/y.png"}})
	r.Parts[0].Result.IsError = true
	r.Parts[0].CacheControl = rawjson.Value(`{"type":"ephemeral"}`)
	call := encode(t, request(nil, say(llm.User, "w"), assistant(callPart("a", "f", "")), r), target(legacyModel))
	equalJSON(t, "result", lastMessage(t, call), `{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","is_error":true,
		"cache_control":{"type":"ephemeral"},"content":[{"type":"text","text":"look"},{"type":"image","source":{"type":"url","url":"https://x/y.png"}}]}]}`)
}

func TestNeedsData(t *testing.T) {
	for _, tc := range []struct {
		media llm.Media
		want  bool
	}{
		{llm.Media{URL: "https://x/a.png"}, false},
		{llm.Media{URL: "http://x/a.png"}, true},
		{llm.Media{URL: "gs://x/a"}, true},
		{llm.Media{URL: "https://x/a.pdf", Name: "a.pdf"}, false},
		{llm.Media{URL: "https://x/a.txt", Name: "a.txt"}, true},
		{llm.Media{Data: "x"}, false},
		{llm.Media{URL: "http://x/a", MIME: "video/mp4"}, false},
		{llm.Media{FileID: "f"}, false},
	} {
		if got := New().NeedsData(&tc.media, target(legacyModel)); got != tc.want {
			t.Errorf("%+v: %v", tc.media, got)
		}
	}
	if !New().NeedsData(&llm.Media{URL: "https://x/a.png"}, &wire.Target{Provider: "vertex_ai"}) {
		t.Error("Vertex AI reads no addresses")
	}
}
