package openairesponses

import (
	"strings"
	"testing"
)

func TestParametersArriveUnderTheNamesOfChatCompletions(t *testing.T) {
	req := decoded(t, `{"model":"m","input":"hi","stream":true,"max_output_tokens":50,"temperature":0.5,"top_p":0.9,
		"reasoning":{"effort":"low","summary":"auto"},"user":"u","parallel_tool_calls":false,"top_logprobs":3,
		"text":{"verbosity":"low","format":{"type":"json_schema","name":"a","schema":{"type":"object"},"strict":true}},
		"metadata":{"a":"b"},"store":false,"include":["reasoning.encrypted_content"],"client_metadata":{},"truncation":"auto","top_k":7}`)
	got := map[string]string{}
	for _, p := range req.Params {
		got[p.Name] = string(p.Value)
	}
	want := map[string]string{
		"max_tokens": "50", "temperature": "0.5", "top_p": "0.9", "reasoning_effort": `"low"`, "user": `"u"`,
		"parallel_tool_calls": "false", "logprobs": "true", "top_logprobs": "3", "verbosity": `"low"`, "top_k": "7",
		"response_format": `{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"},"strict":true}}`,
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %s, not %s", name, got[name], value)
		}
	}
	if len(got) != len(want) {
		t.Errorf("other parameters came along: %v", got)
	}
	if !req.Stream || !req.IncludeUsage || !req.LenientParams || req.Model != "m" || req.From != Name {
		t.Errorf("envelope: %+v", req)
	}
}

func TestPlainTextFormatIsNoResponseFormat(t *testing.T) {
	if v := decoded(t, `{"input":"x","text":{"format":{"type":"text"}}}`).Param("response_format"); v != nil {
		t.Errorf("response_format %s", v)
	}
	if v := decoded(t, `{"input":"x","text":{"format":{"type":"json_object"}}}`).Param("response_format"); string(v) != `{"type":"json_object"}` {
		t.Errorf("response_format %s", v)
	}
}

func TestBadRequestsNameWhatIsWrong(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m"}`:                                                                "input",
		`{"model":"m","input":null}`:                                                   "input",
		`{"model":"m","input":7}`:                                                      "input",
		`{"model":7,"input":"x"}`:                                                      "model",
		`{"input":"x","stream":"on"}`:                                                  "stream",
		`{"input":"x","Model":"m"}`:                                                    "model",
		`{"input":"x","INPUT":"y"}`:                                                    "input",
		`{"input":"x","Previous_Response_Id":"resp_1"}`:                                "previous_response_id",
		`{"input":"x","reasoning":"low"}`:                                              "reasoning",
		`{"input":"x","text":[]}`:                                                      "text",
		`{"input":"x","text":{"format":"json"}}`:                                       "text.format",
		`{"input":"x","temperature":"hot"}`:                                            "temperature",
		`{"input":"x","max_output_tokens":"9"}`:                                        "max_output_tokens",
		`{"input":"x","reasoning":{"effort":1}}`:                                       "reasoning.effort",
		`{"input":[7]}`:                                                                "input[0]",
		`{"input":[{"role":"pilot","content":"x"}]}`:                                   "input[0].role",
		`{"input":[{"role":"user","content":7}]}`:                                      "input[0].content",
		`{"input":[{"role":"user","content":[{"type":"input_text","text":7}]}]}`:       "input[0].content[0].text",
		`{"input":[{"role":"user","content":[{"type":"input_image"}]}]}`:               "input[0].content[0]",
		`{"input":[{"type":"function_call","call_id":"c"}]}`:                           "input[0].name",
		`{"input":[{"type":"item_reference","id":"msg_1"}]}`:                           "input[0]",
		`{"input":[{"id":"msg_1"}]}`:                                                   "input[0]",
		`{"input":"x","tools":{}}`:                                                     "tools",
		`{"input":"x","tools":[1]}`:                                                    "tools[0]",
		`{"input":"x","tools":[{"type":"function"}]}`:                                  "tools[0].name",
		`{"input":"x","tools":[{"type":"custom"}]}`:                                    "tools[0].name",
		`{"input":"x","tools":[{"type":"function","name":"f","parameters":[]}]}`:       "tools[0].parameters",
		`{"input":"x","tools":[{"type":"function","name":"f"}],"tool_choice":"never"}`: "tool_choice",
		`{"input":"x","instructions":7}`:                                               "instructions",
		`{"input":"x","previous_response_id":"resp_1"}`:                                "previous_response_id",
		`{"previous_response_id":"resp_1"}`:                                            "previous_response_id",
		`{"input":"x","conversation":"conv_1"}`:                                        "conversation",
		`{"input":"x","prompt":{"id":"p"}}`:                                            "prompt",
		`{"input":[{"type":"additional_tools","tools":[{"type":"namespace","name":"n","tools":3}]}]}`: "input[0].tools[0].tools",
	} {
		e := refusal(t, body)
		if e.Status != 400 || e.Param != param || e.Message == "" {
			t.Errorf("%s: status %d param %q: %s", body, e.Status, e.Param, e.Message)
		}
	}
}

func TestUnknownPreviousResponseHasTheCodeThatClientsKnow(t *testing.T) {
	e := refusal(t, `{"input":"x","previous_response_id":"resp_1"}`)
	status, body := Dialect{}.Error(e)
	if status != 400 || !strings.Contains(string(body), `"code":"previous_response_not_found"`) {
		t.Errorf("%d %s", status, body)
	}
}

func TestErrorHasOpenAIsShapeWithTheStatusAsCode(t *testing.T) {
	status, body := Dialect{}.Error(refusal(t, `{"model":"m"}`))
	if status != 400 {
		t.Errorf("status %d", status)
	}
	sameJSON(t, body, `{"error":{"message":"/responses: Missing required parameter: 'input'.","type":"invalid_request_error","param":"input","code":"400"}}`)
}
