package anthropic

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func FuzzStream(f *testing.F) {
	f.Add(toolStream, "")
	f.Add(stream(startEvent, toolStart("0", "x", jsonTool), stopEvent), jsonTool)
	f.Add(stream(startEvent, toolStart("0", "x", jsonToolValues), delta("0", `{"partial_json":"{"}`), stopBecause("tool_use")), jsonToolValues)
	f.Fuzz(func(t *testing.T, text, tool string) {
		call := &wire.Call{Target: target(legacyModel), JSONTool: tool}
		events, err := read(call, text)
		starts, finishes := 0, 0
		for i, ev := range events {
			switch ev.Kind {
			case llm.EventStart:
				starts++
				if i != 0 {
					t.Error("EventStart is not the first event")
				}
			case llm.EventFinish:
				finishes++
			}
		}
		if starts > 1 || err == nil && (starts != 1 || finishes != 1) || err != nil && finishes > 0 {
			t.Errorf("%d starts, %d finishes, error %v", starts, finishes, err)
		}
		if err == nil {
			for i, args := range collect(events).args {
				if args == "" {
					t.Errorf("call %d has no arguments", i)
				}
			}
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte(`{"id":"m","content":[{"type":"text","text":"x","citations":[{"type":"web_search_result_location"}]},{"type":"tool_use","id":"a","name":"f","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"iterations":[{}]}}`))
	f.Add([]byte(`{"type":"error","error":{"type":"x"}}`))
	f.Add([]byte(`{"content":[{"type":"thinking"},null,1,{"type":"web_search_tool_result"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		resp, err := New().Response(emptyCall(), body)
		if e := llm.AsError(err); e != nil && (e.Status < 400 || e.Message == "" || !e.Upstream) {
			t.Errorf("%+v", e)
		}
		if err != nil {
			return
		}
		if u := resp.Usage; u != nil && (u.Input < 0 || u.Output < 0 || u.Total < u.Output || u.Reasoning > u.Output) {
			t.Errorf("%+v", u)
		}
		if len(resp.Choices) != 1 || resp.Choices[0].Finish == "" {
			t.Errorf("%+v", resp.Choices)
		}
		for _, m := range resp.Choices[0].Fields {
			if _, err := rawjson.Check(m.Value); err != nil {
				t.Errorf("field %s: %v", m.Key, err)
			}
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(400, []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"x"}}`))
	f.Add(529, []byte(`<html>`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if e := New().Error(status, nil, body); e == nil || e.Message == "" {
			t.Errorf("%+v", e)
		}
	})
}

// FuzzEncode puts arbitrary JSON wherever a client's raw values go.
func FuzzEncode(f *testing.F) {
	for _, p := range []string{"thinking", "reasoning_effort", "stop", "user", "response_format", "web_search_options", "service_tier", "max_tokens", "extra_body", "output_config"} {
		f.Add(p, []byte(`{"type":"enabled","budget_tokens":-1}`), "{", []byte(`{"type":"object"}`))
		f.Add(p, []byte(`"\ud83d\ude00 high"`), "[]", []byte(`[1]`))
		f.Add(p, []byte(`{"type":"json_schema","json_schema":{"schema":{"$ref":"#/x"}}}`), "", []byte(`{"anyOf":[{"properties":{"a":1}}]}`))
	}
	f.Fuzz(func(t *testing.T, name string, value []byte, args string, schema []byte) {
		v, err := rawjson.Check(value)
		s, err2 := rawjson.Check(schema)
		if err != nil || err2 != nil {
			t.Skip()
		}
		strict := true
		req := request([]llm.Param{{Name: name, Value: v}}, say(llm.System, args), say(llm.User, args), assistant(callPart(args, name, args)), result(args, args))
		req.Messages[1].CacheControl, req.Messages[2].Parts[0].CacheControl = v, v
		req.Messages[1].Parts = append(req.Messages[1].Parts, llm.Part{Kind: llm.PartUnknown, Raw: v},
			llm.Part{Kind: llm.PartImage, Media: &llm.Media{MIME: name, Data: args}}, llm.Part{Kind: llm.PartFile, Media: &llm.Media{MIME: "text/plain", Data: args}})
		req.Tools = []llm.ToolDef{{Type: "function", Name: args, Parameters: s, Strict: &strict, Raw: v}, {Type: "web_search_1", Raw: rawjson.Value(`{"type":"web_search_1"}`)}}
		tg := target(legacyModel)
		tg.Policy.Drop = true
		call, err := New().Encode(req, tg)
		if e := llm.AsError(err); e != nil {
			if e.Status != 400 {
				t.Errorf("%+v", e)
			}
			return
		}
		body, err := rawjson.Check(call.Body)
		if err != nil {
			t.Fatalf("%v in %s", err, call.Body)
		}
		if broken := brokenRule(body); broken != "" {
			t.Errorf("%s: %s", broken, body)
		}
	})
}

func FuzzSchemaFilter(f *testing.F) {
	f.Add([]byte(`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"oneOf":[{"type":"string","minLength":1},{"type":"array","items":{}}]}}}`))
	f.Add([]byte(`{"type":"object","properties":{"a":{"$ref":"#/properties/b"},"b":{"$ref":"#/properties/a"}}}`))
	f.Fuzz(func(t *testing.T, schema []byte) {
		v, err := rawjson.Check(schema)
		if err != nil {
			t.Skip()
		}
		out, ok := filterSchema(v)
		if len(out) > maxSchemaBytes+len(v)*2 {
			t.Errorf("%d bytes of %d", len(out), len(v))
		}
		if _, err := rawjson.Check(out); ok && err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if ok {
			checkSchema(t, out)
		}
	})
}

// checkSchema fails on a keyword that the compiler refuses.
func checkSchema(t *testing.T, v rawjson.Value) {
	t.Helper()
	for _, c := range constraints {
		if v.Get(c.key) != nil && c.key != "minItems" {
			t.Errorf("%s is left in %s", c.key, v)
		}
	}
	for _, key := range []string{"$ref", "$defs", "oneOf"} {
		if v.Get(key) != nil {
			t.Errorf("%s is left in %s", key, v)
		}
	}
	for _, p := range v.Get("properties").Members() {
		checkSchema(t, p)
	}
	for _, b := range v.Get("anyOf").Elems() {
		checkSchema(t, b)
	}
	if items := v.Get("items"); items != nil {
		checkSchema(t, items)
	}
}
