package openaichat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func TestEnvelopeIsReadAndControlsAreNotParameters(t *testing.T) {
	req := decode(t, `{"model":"gpt","messages":[],"temperature":0.5,"foo":1,"num_retries":2,"metadata":{"a":"b"},
		"stream":true,"stream_options":{"include_usage":true},"tools":[]}`)
	if req.Model != "gpt" || !req.Stream || !req.IncludeUsage || req.From != "chat" {
		t.Errorf("envelope = %+v", req)
	}
	var names []string
	for _, p := range req.Params {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, ","); got != "temperature,foo" {
		t.Errorf("params = %s", got)
	}
}

func TestBadEnvelopesAreRefusedWithTheParameter(t *testing.T) {
	tests := []struct{ body, param, part string }{
		{`[]`, "request_body", "expected an object"},
		{`{"model":"a"}`, "messages", "Missing required parameter: 'messages'"},
		{`{"model":"a","messages":null}`, "messages", "Missing required parameter"},
		{`{"model":"a","messages":"hi"}`, "messages", "list"},
		{`{"model":5,"messages":[]}`, "model", "'model' must be a string."},
		{`{"model":"a","messages":[],"stream":"yes"}`, "stream", "true or false"},
		{`{"model":"a","messages":[],"stream_options":[]}`, "stream_options", "object"},
		{`{"model":"a","messages":[],"response_format":7}`, "response_format", "object"},
		{`{"model":"a","model":"b","messages":[]}`, "model", "twice"},
		{`{"model":"a","mod\u0065l":"b","messages":[]}`, "model", "twice"},
		{`{"foo":1,"foo":2,"messages":[]}`, "foo", "twice"},
		{`{"model":"a","MODEL":"b","messages":[]}`, "model", "must be written"},
		{`{"model":"a","messages":[],"Api_Base":"x"}`, "api_base", "must be written"},
		{`{"model":"a","me\u017f\u017fages":[],"messages":[]}`, "messages", "must be written"},
		{`{"model":"a","messages":[],"extra_body":{"model":"evil"}}`, "extra_body", "model"},
		{`{"model":"a","messages":[],"extra_body":[]}`, "extra_body", "object"},
	}
	for _, tc := range tests {
		_, err := Dialect{}.Decode(rawjson.Value(tc.body))
		e := llm.AsError(err)
		if e == nil || e.Status != 400 || e.Param != tc.param || !strings.Contains(e.Message, tc.part) {
			t.Errorf("%s: %+v", tc.body, e)
		}
	}
}

func TestManyKeysAreCheckedForDuplicates(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"messages":[]`)
	for i := range 100 {
		fmt.Fprintf(&b, `,"key%d":%d`, i, i)
	}
	if _, err := (Dialect{}).Decode(rawjson.Value(b.String() + `}`)); err != nil {
		t.Errorf("different keys: %v", err)
	}
	if _, err := (Dialect{}).Decode(rawjson.Value(b.String() + `,"key99":1}`)); err == nil {
		t.Error("the hundredth key stands twice and passes")
	}
}

func TestExtraBodyBecomesParametersAndTheClientsOwnWin(t *testing.T) {
	req := decode(t, `{"model":"a","messages":[],"top_k":3,"extra_body":{"top_k":5,"min_p":0.1,"api_key":"x"}}`)
	if got := string(req.Param("top_k")); got != "3" {
		t.Errorf("top_k = %s", got)
	}
	if got := string(req.Param("min_p")); got != "0.1" {
		t.Errorf("min_p = %s", got)
	}
	if req.Param("api_key") != nil {
		t.Error("api_key became a parameter")
	}
}

func TestControlsAreRead(t *testing.T) {
	req := decode(t, `{"model":"a","messages":[],"drop_params":true,"num_retries":"2","timeout":1.5,"fallbacks":["b"],
		"additional_drop_params":["x","tools[*].y"],"allowed_openai_params":"z","tags":["t"],"disable_fallbacks":true,
		"thought_signature_in_tool_call_id":false,"cache":{"no-cache":true},"mock_response":"m","api_base":"http://x",
		"context_window_fallbacks":[{"a":["b"]}]}`)
	c, err := ReadControls(req)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case c.DropParams == nil || !*c.DropParams, c.NumRetries == nil || *c.NumRetries != 2, c.Timeout != 1500*time.Millisecond:
		t.Errorf("controls = %+v", c)
	case string(c.Fallbacks) != `["b"]`, len(c.AdditionalDropParams) != 2, c.AllowedOpenAIParams[0] != "z", c.Tags[0] != "t":
		t.Errorf("lists = %+v", c)
	case !c.DisableFallbacks, c.SignatureInID == nil || *c.SignatureInID, !c.NoCache, string(c.MockResponse) != `"m"`:
		t.Errorf("switches = %+v", c)
	case !c.HasCredentials || c.CredentialKey != "api_base", string(c.ContextWindowFallbacks) != `[{"a":["b"]}]`:
		t.Errorf("credentials = %+v", c)
	}
}

func TestBadControlsAreRefused(t *testing.T) {
	for _, control := range []string{
		`"drop_params":5`, `"num_retries":-1`, `"num_retries":"x"`, `"timeout":"soon"`, `"timeout":-1`,
		`"tags":[1]`, `"additional_drop_params":{}`, `"modify_params":"maybe"`,
	} {
		_, err := ReadControls(decode(t, `{"messages":[],`+control+`}`))
		if e := llm.AsError(err); e == nil || e.Status != 400 {
			t.Errorf("%s: %v", control, err)
		}
	}
}

func TestControlsAreBounded(t *testing.T) {
	c, err := ReadControls(decode(t, `{"messages":[],"num_retries":1000000,"timeout":1e300}`))
	if err != nil || *c.NumRetries != maxRetries || c.Timeout != 24*time.Hour {
		t.Errorf("%+v %v", c, err)
	}
}
