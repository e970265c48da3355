package tasks

import (
	"errors"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// request is a client's request as the server reads it.
func request(t testing.TB, body string) *llm.Request {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req := &llm.Request{Body: v}
	for k, m := range v.Members() {
		if k != "model" {
			req.Params = append(req.Params, llm.Param{Name: k, Value: m})
		}
	}
	return req
}

func codec(t testing.TB, format, task string) Codec {
	t.Helper()
	c, ok := Find(format, task)
	if !ok {
		t.Fatalf("%s has no %s", format, task)
	}
	return c
}

func TestRequestsAreWrittenInEachVendorsFormat(t *testing.T) {
	for _, c := range []struct{ format, task, base, body, path, want string }{
		{
			"cohere", "embeddings", "https://api.cohere.com/compatibility/v1", `{"input":"a","dimensions":256}`, "https://api.cohere.com/v2/embed",
			`{"model":"up","texts":["a"],"input_type":"search_document","embedding_types":["float"],"output_dimension":256}`,
		},
		{
			"cohere", "embeddings", "http://h:1/v1/", `{"input":["a"],"input_type":"search_query"}`, "http://h:1/v2/embed",
			`{"model":"up","texts":["a"],"input_type":"search_query","embedding_types":["float"]}`,
		},
		{
			"cohere", "rerank", "http://h/x/v2/rerank", `{"query":"q","documents":["a",{"text":"b","n":1},{"title":"c"}],"top_n":2}`, "http://h/x/v2/rerank",
			`{"model":"up","query":"q","documents":["a","b","{\"title\":\"c\"}"],"top_n":2}`,
		},
		{
			"voyage", "embeddings", "", `{"input":"a","dimensions":512,"input_type":"query","encoding_format":"base64"}`, "/embeddings",
			`{"model":"up","input":["a"],"output_dimension":512,"input_type":"query"}`,
		},
		{
			"jina", "embeddings", "", `{"input":[{"image":"x"}],"task":"text-matching","dimensions":64}`, "/embeddings",
			`{"model":"up","input":[{"image":"x"}],"dimensions":64,"task":"text-matching"}`,
		},
		{
			"gemini", "embeddings", "", `{"input":"a","task_type":"CLUSTERING","title":"t"}`, "/models/up:batchEmbedContents",
			`{"requests":[{"model":"models/up","content":{"parts":[{"text":"a"}]},"taskType":"CLUSTERING","title":"t"}]}`,
		},
		{
			"gemini", "images/generations", "", `{"prompt":"cat","size":"1024x1536","n":1}`, "/models/up:generateContent",
			`{"contents":[{"role":"user","parts":[{"text":"cat"}]}],"generationConfig":{"responseModalities":["TEXT","IMAGE"],"imageConfig":{"aspectRatio":"2:3"}}}`,
		},
	} {
		call, err := codec(t, c.format, c.task).Encode(request(t, c.body), &wire.Target{Provider: c.format, Model: "up", Base: c.base})
		if err != nil {
			t.Errorf("%s %s: %v", c.format, c.task, err)
			continue
		}
		if call.Path != c.path || string(call.Body) != c.want {
			t.Errorf("%s %s:\ngot  %s %s\nwant %s %s", c.format, c.task, call.Path, call.Body, c.path, c.want)
		}
	}
}

func TestParametersThatAVendorLacksAreRefusedOrReported(t *testing.T) {
	c := codec(t, "gemini", "images/generations")
	req := request(t, `{"prompt":"cat","quality":"hd","made_up":1}`)
	_, err := c.Encode(req, &wire.Target{Provider: "gemini", Model: "m"})
	var e *llm.Error
	if !errors.As(err, &e) || e.Kind != llm.KindUnsupportedParams || !strings.Contains(e.Message, "quality") {
		t.Errorf("%v", err)
	}
	call, err := c.Encode(req, &wire.Target{Provider: "gemini", Model: "m", Policy: wire.Policy{Drop: true}})
	if err != nil || len(call.Dropped) != 2 {
		t.Errorf("%v, dropped %v", err, call)
	}
}

func TestPictureThatWasRefusedIsAContentPolicyError(t *testing.T) {
	c := codec(t, "gemini", "images/generations")
	call := &wire.Call{Request: &llm.Request{}, Target: &wire.Target{Provider: "gemini"}}
	for _, body := range []string{
		`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`, `{"candidates":[{"finishReason":"IMAGE_SAFETY"}]}`, `{"predictions":[{"raiFilteredReason":"x"}]}`, `{}`,
	} {
		_, _, err := c.Decode(call, rawjson.Value(body), wire.Answer{})
		var e *llm.Error
		if !errors.As(err, &e) || e.Kind != llm.KindContentPolicy || e.Status != 400 {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAnswersWithoutWhatWasAskedForAreErrorsOfTheUpstream(t *testing.T) {
	for name, c := range codecs {
		if strings.Contains(name, "images") {
			continue
		}
		call := &wire.Call{Request: request(t, `{"input":"a","documents":["a"]}`), Target: &wire.Target{}}
		_, _, err := c.Decode(call, rawjson.Value(`{"message":"hello"}`), wire.Answer{})
		var e *llm.Error
		if !errors.As(err, &e) || !e.Upstream || e.Status != 500 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzEveryCodec(f *testing.F) {
	f.Add([]byte(`{"input":["a"],"query":"q","documents":["a",{"text":"b"}],"prompt":"p","size":"2x1","encoding_format":"base64","return_documents":true}`),
		[]byte(`{"embeddings":{"float":[[1]]},"data":[{"index":0,"embedding":[1e400],"relevance_score":1}],"results":[{"index":9}],"candidates":[{"content":{"parts":[{"inlineData":{"data":"x"}}]}}]}`))
	f.Fuzz(func(t *testing.T, body, answer []byte) {
		v, err := rawjson.Check(body)
		if err != nil || v.Kind() != '{' {
			return
		}
		a, err := rawjson.Check(answer)
		for name, c := range codecs {
			call, failed := c.Encode(request(t, string(body)), &wire.Target{Provider: "p", Model: "m/x", Base: "http://h/v1", Policy: wire.Policy{Drop: true}})
			if failed != nil {
				continue
			}
			if _, err := rawjson.Check(call.Body); err != nil {
				t.Fatalf("%s sends no JSON: %v\n%s", name, err, call.Body)
			}
			if err != nil {
				continue
			}
			if out, _, failed := c.Decode(call, a, wire.Answer{Model: "m"}); failed == nil {
				if _, err := rawjson.Check(out); err != nil {
					t.Fatalf("%s answers no JSON: %v\n%s", name, err, out)
				}
			}
		}
	})
}
