package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// seenRequest is what an upstream got.
type seenRequest struct {
	method, path, query string
	header              http.Header
	body                string
}

// canned is an upstream that answers each path with what the test says, in order;
// the last answer of a path stays.
type canned struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string][]cannedAnswer
	seen    []seenRequest
}

type cannedAnswer struct {
	status      int
	contentType string
	body        string
	header      map[string]string
}

func jsonAnswer(body string) cannedAnswer { return cannedAnswer{200, "application/json", body, nil} }

func upstreamWith(t *testing.T, answers map[string][]cannedAnswer) *canned {
	t.Helper()
	c := &canned{answers: answers}
	c.Server = httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.Close)
	return c
}

func (c *canned) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	c.seen = append(c.seen, seenRequest{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Clone(), string(body)})
	list := c.answers[r.URL.Path]
	if len(list) > 1 {
		c.answers[r.URL.Path] = list[1:]
	}
	c.mu.Unlock()
	if len(list) == 0 {
		http.Error(w, `{"error":{"message":"no such path","type":"invalid_request_error"}}`, http.StatusNotFound)
		return
	}
	for k, v := range list[0].header {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", list[0].contentType)
	w.WriteHeader(list[0].status)
	io.WriteString(w, list[0].body)
}

// last is the latest request.
func (c *canned) last(t *testing.T) seenRequest {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.seen) == 0 {
		t.Fatal("nothing reached the upstream")
	}
	return c.seen[len(c.seen)-1]
}

func (c *canned) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.seen)
}

// model is a row of a model_list whose upstream is a canned one.
func (c *canned) model(name, model, path string, options ...string) string {
	s := fmt.Sprintf("- model_name: %s\n  litellm_params:\n    model: %s\n    api_base: %s%s\n    api_key: sk-upstream\n", name, model, c.URL, path)
	for _, o := range options {
		s += "    " + o + "\n"
	}
	return s
}

// call sends a request of any kind and reads its answer.
func (g *gateway) call(method, path, contentType, body string, pairs ...string) reply {
	g.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, g.url+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		req.Header.Set(pairs[i], pairs[i+1])
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	return reply{g.t, resp.StatusCode, resp.Header, string(b)}
}

func (g *gateway) json(path, body string) reply {
	g.t.Helper()
	return g.call(http.MethodPost, path, "application/json", body)
}

// same compares JSON texts by meaning.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal([]byte(got), &a); err != nil {
		t.Fatalf("%s is no JSON: %v\n%s", what, err, got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	if !bytes.Equal(x, y) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, x, y)
	}
}

// formOf writes a multipart form; a name that begins with "@" is a file.
func formOf(t *testing.T, pairs ...string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, file := strings.CutPrefix(pairs[i], "@")
		if file {
			pw, _ := w.CreateFormFile(name, "../../x.wav")
			io.WriteString(pw, pairs[i+1])
			continue
		}
		w.WriteField(name, pairs[i+1])
	}
	w.Close()
	return w.FormDataContentType(), b.String()
}

const embedded = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.25,-0.5]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":4,"total_tokens":4}}`

func TestEmbeddingsPassWithOnlyTheModelChanged(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/embeddings": {jsonAnswer(embedded)}})
	g := start(t, modelList("", up.model("emb", "openai/text-embedding-3-small", "/v1", "dimensions: 256", "temperature: 0.5")))
	r := g.json("/v1/embeddings", `{"model":"emb","input":[[1,2],[3]],"encoding_format":"base64","num_retries":1,"big":12345678901234567890}`)
	if r.status != 200 {
		t.Fatal(r.body)
	}
	same(t, "request", up.last(t).body, `{"model":"text-embedding-3-small","input":[[1,2],[3]],"encoding_format":"base64","big":12345678901234567890,"dimensions":256}`)
	if !strings.Contains(up.last(t).body, "12345678901234567890") {
		t.Error("a big number was rewritten")
	}
	same(t, "answer", r.body, strings.Replace(embedded, `"model":"text-embedding-3-small"`, `"model":"emb"`, 1))
	for name, want := range map[string]string{"X-Litellm-Response-Cost": "8e-08", "X-Litellm-Model-Group": "emb", "X-Litellm-Model-Name": "openai/text-embedding-3-small"} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if auth := up.last(t).header.Get("Authorization"); auth != "Bearer sk-upstream" {
		t.Errorf("the upstream got %q", auth)
	}
}

func TestTasksAreRetriedAndFallBackLikeConversations(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{
		"/a/embeddings": {{500, "application/json", `{"error":{"message":"broken"}}`, nil}},
		"/b/embeddings": {{429, "application/json", `{"error":{"message":"slow"}}`, map[string]string{"Retry-After": "0"}}, jsonAnswer(embedded)},
	})
	g := start(t, modelList("router_settings: {num_retries: 1, retry_after: 0, fallbacks: [{a: [b]}]}",
		up.model("a", "openai/x", "/a", "max_retries: 0"), up.model("b", "openai/y", "/b")))
	r := g.json("/v1/embeddings", `{"model":"a","input":"x"}`)
	if r.status != 200 || r.header.Get("X-Litellm-Attempted-Fallbacks") != "1" || r.header.Get("X-Litellm-Attempted-Retries") != "1" {
		t.Errorf("status %d, headers %v: %s", r.status, r.header, r.body)
	}
	if up.count() != 3 {
		t.Errorf("%d calls, want 3", up.count())
	}
}

func TestGeminiEmbedsListsOfTexts(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1beta/models/gemini-embedding-001:batchEmbedContents": {jsonAnswer(`{"embeddings":[{"values":[1,0]},{"values":[0,1]}]}`)}})
	g := start(t, modelList("", up.model("e", "gemini/gemini-embedding-001", "/v1beta")))
	r := g.json("/v1/embeddings", `{"model":"e","input":["a","b"],"dimensions":2}`)
	same(t, "request", up.last(t).body, `{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},"outputDimensionality":2},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"outputDimensionality":2}]}`)
	same(t, "answer", r.body, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[1,0]},{"object":"embedding","index":1,"embedding":[0,1]}],"model":"e","usage":{"prompt_tokens":2,"total_tokens":2}}`)
	r = g.json("/v1/embeddings", `{"model":"e","input":"a","encoding_format":"base64"}`)
	if !strings.Contains(r.body, `"embedding":"AACAPwAAAAA="`) {
		t.Errorf("vectors are not packed: %s", r.body)
	}
	if r := g.json("/v1/embeddings", `{"model":"e","input":[[1,2]]}`); r.status != 400 || !strings.Contains(r.body, `"param":"input"`) {
		t.Errorf("token arrays for Gemini: %d %s", r.status, r.body)
	}
}

func TestRerankSpeaksEachVendorsFormatAndAnswersOne(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{
		"/v2/rerank":     {jsonAnswer(`{"id":"r1","results":[{"index":1,"relevance_score":0.9}],"meta":{"billed_units":{"search_units":1}}}`)},
		"/voyage/rerank": {jsonAnswer(`{"object":"list","data":[{"index":1,"relevance_score":0.9}],"usage":{"total_tokens":7}}`)},
		"/jina/rerank":   {jsonAnswer(`{"results":[{"index":1,"relevance_score":0.9,"document":{"text":"b"}}],"usage":{"total_tokens":7}}`)},
		"/vllm/rerank":   {jsonAnswer(`{"id":"r1","results":[{"index":1,"relevance_score":0.9}]}`)},
	})
	g := start(t, modelList("",
		up.model("cohere", "cohere/rerank-v3.5", "/compatibility/v1"), up.model("voyage", "voyage/rerank-2", "/voyage"),
		up.model("jina", "jina_ai/jina-reranker-v2", "/jina"), up.model("vllm", "hosted_vllm/bge", "/vllm")))
	for _, model := range []string{"cohere", "voyage", "jina", "vllm"} {
		r := g.json("/v2/rerank", `{"model":"`+model+`","query":"q","documents":["a",{"text":"b"}],"top_n":1,"return_documents":true}`)
		if r.status != 200 || !strings.Contains(r.body, `"index":1,"relevance_score":0.9`) {
			t.Errorf("%s: %d %s", model, r.status, r.body)
		}
		if model != "vllm" && !strings.Contains(r.body, `"document":{"text":"b"}`) {
			t.Errorf("%s: the document is missing: %s", model, r.body)
		}
		limit := `"top_n":1`
		if model == "voyage" {
			limit = `"top_k":1`
		}
		if body := up.last(t).body; !strings.Contains(body, limit) {
			t.Errorf("%s got %s", model, body)
		}
	}
}

func TestSpeechIsHandedOnAsItCame(t *testing.T) {
	sound := "ID3\x00\xff\xfb" + strings.Repeat("z", 100000)
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/audio/speech": {{200, "audio/mpeg", sound, nil}}})
	g := start(t, modelList("", up.model("tts", "openai/tts-1", "/v1")))
	r := g.json("/v1/audio/speech", `{"model":"tts","input":"hello","voice":"alloy"}`)
	if r.status != 200 || r.body != sound || r.header.Get("Content-Type") != "audio/mpeg" {
		t.Errorf("status %d, %d bytes of %s", r.status, len(r.body), r.header.Get("Content-Type"))
	}
	if cost := r.header.Get("X-Litellm-Response-Cost"); cost != "7.5e-05" { // five characters
		t.Errorf("cost %q", cost)
	}
}

func TestSoundThatBreaksOffIsNotTakenForWhole(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "audio/mpeg")
		io.WriteString(w, "ID3")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer up.Close()
	g := start(t, "model_list: [{model_name: tts, litellm_params: {model: openai/tts-1, api_base: '"+up.URL+"', api_key: k}}]")
	req, _ := http.NewRequest("POST", g.url+"/v1/audio/speech", strings.NewReader(`{"model":"tts","input":"x","voice":"v"}`))
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the client read %q as a whole answer", b)
	}
}

func TestTranscriptionsSendTheFileOnWithTheModelReplaced(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{
		"/v1/audio/transcriptions": {{503, "application/json", `{"error":{"message":"busy"}}`, nil}, jsonAnswer(`{"text":"hi","usage":{"type":"duration","seconds":10}}`)},
		"/v1/audio/translations":   {{200, "text/plain", "hallo", nil}},
	})
	g := start(t, modelList("router_settings: {num_retries: 1, retry_after: 0}", up.model("stt", "openai/whisper-1", "/v1")))
	ct, body := formOf(t, "@file", "RIFF"+strings.Repeat("\x00\r\n--", 1000), "model", "stt", "response_format", "json", "num_retries", "1")
	r := g.call("POST", "/v1/audio/transcriptions", ct, body)
	if r.status != 200 || !strings.Contains(r.body, `"text":"hi"`) || r.header.Get("X-Litellm-Response-Cost") != "0.001" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	got := up.last(t)
	if !strings.Contains(got.body, "whisper-1") || strings.Contains(got.body, "num_retries") || !strings.Contains(got.body, strings.Repeat("\x00\r\n--", 1000)) {
		t.Errorf("the upstream got %.300q", got.body)
	}
	if up.count() != 2 {
		t.Errorf("a small form is sent %d times, want a retry", up.count())
	}
	if r := g.call("POST", "/v1/audio/translations", ct, body); r.body != "hallo" || r.header.Get("Content-Type") != "text/plain" {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestLargeFileIsStreamedAndSentOnce(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/audio/transcriptions": {{503, "application/json", `{"error":{"message":"busy"}}`, nil}}})
	g := start(t, modelList("router_settings: {num_retries: 2, retry_after: 0}", up.model("stt", "openai/whisper-1", "/v1")))
	file := strings.Repeat("0123456789abcdef", 6<<20/16)
	ct, body := formOf(t, "model", "stt", "@file", file)
	r := g.call("POST", "/v1/audio/transcriptions", ct, body)
	if r.status != 503 || up.count() != 1 {
		t.Errorf("status %d after %d calls: %s", r.status, up.count(), r.body)
	}
	if got := up.last(t); !strings.Contains(got.body, file) || !strings.Contains(got.body, "whisper-1") {
		t.Errorf("the file did not arrive whole: %d bytes", len(got.body))
	}
}

func TestImagesCostWhatTheirTokensCost(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{
		"/v1/images/generations": {jsonAnswer(`{"created":1,"data":[{"b64_json":"aGk="}],"usage":{"input_tokens":5,"output_tokens":100,"total_tokens":105,"input_tokens_details":{"text_tokens":5,"image_tokens":0}}}`)},
		"/v1/images/edits":       {{200, "text/event-stream", "event: image_edit.completed\ndata: {\"b64_json\":\"aGk=\",\"usage\":{\"input_tokens\":5,\"output_tokens\":100}}\n\n", nil}},
		"/v1beta/models/gemini-2.5-flash-image:generateContent": {jsonAnswer(`{"candidates":[{"content":{"parts":[{"text":"here"},{"inlineData":{"mimeType":"image/png","data":"aGk="}}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1290}}`)},
		"/v1beta/models/imagen-4.0-generate-001:predict":        {jsonAnswer(`{"predictions":[{"bytesBase64Encoded":"aGk="},{"bytesBase64Encoded":"aGs="}]}`)},
	})
	g := start(t, modelList("", up.model("img", "openai/gpt-image-1.5", "/v1"), up.model("banana", "gemini/gemini-2.5-flash-image", "/v1beta"), up.model("imagen", "gemini/imagen-4.0-generate-001", "/v1beta")))
	if r := g.json("/v1/images/generations", `{"model":"img","prompt":"cat"}`); r.header.Get("X-Litellm-Response-Cost") != "0.003225" {
		t.Errorf("cost %q: %s", r.header.Get("X-Litellm-Response-Cost"), r.body)
	}
	ct, body := formOf(t, "@image[]", "png", "model", "img", "prompt", "p", "stream", "true")
	if r := g.call("POST", "/v1/images/edits", ct, body); r.status != 200 || !strings.HasPrefix(r.body, "event: image_edit.completed\ndata: {") {
		t.Errorf("%d %s", r.status, r.body)
	}
	r := g.json("/v1/images/generations", `{"model":"banana","prompt":"cat","size":"1792x1024","response_format":"b64_json"}`)
	if r.status != 200 || !strings.Contains(r.body, `"data":[{"b64_json":"aGk="}]`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	same(t, "request", up.last(t).body, `{"contents":[{"role":"user","parts":[{"text":"cat"}]}],"generationConfig":{"responseModalities":["TEXT","IMAGE"],"imageConfig":{"aspectRatio":"16:9"}}}`)
	if r := g.json("/v1/images/generations", `{"model":"imagen","prompt":"cat","n":2}`); !strings.Contains(r.body, `{"b64_json":"aGs="}`) {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestCompletionsOfChatModelsAreTextCompletions(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{
		"/v1/messages": {jsonAnswer(`{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"upon a time"}],"stop_reason":"max_tokens","usage":{"input_tokens":3,"output_tokens":4}}`)},
		"/v1/completions": {
			jsonAnswer(`{"id":"cmpl","object":"text_completion","created":5,"model":"gpt-3.5-turbo-instruct","choices":[{"text":"upon","index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`),
			{200, "text/event-stream", "data: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"text\":\"up\",\"index\":0}]}\n\ndata: {\"id\":\"c\",\"model\":\"m\",\"choices\":[{\"text\":\"\",\"index\":0,\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c\",\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2}}\n\ndata: [DONE]\n\n", nil},
		},
	})
	g := start(t, modelList("", up.model("claude", "anthropic/claude-sonnet-4-5", ""), up.model("instruct", "text-completion-openai/gpt-3.5-turbo-instruct", "/v1")))
	r := g.json("/v1/completions", `{"model":"claude","prompt":["Once"],"max_tokens":5,"echo":true}`)
	var got struct {
		Object, Model string
		Choices       []struct {
			Text         string
			FinishReason string `json:"finish_reason"`
		}
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.Object != "text_completion" || got.Model != "claude" || len(got.Choices) != 1 || got.Choices[0].Text != "upon a time" || got.Choices[0].FinishReason != "length" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if !strings.Contains(r.header.Get("X-Fairlead-Dropped"), "echo") {
		t.Errorf("what was left out is not said: %q", r.header.Get("X-Fairlead-Dropped"))
	}
	r = g.json("/v1/completions", `{"model":"instruct","prompt":[[1,2],[3]],"echo":true,"logprobs":2}`)
	same(t, "request", up.last(t).body, `{"model":"gpt-3.5-turbo-instruct","prompt":[[1,2],[3]],"echo":true,"logprobs":2}`)
	if !strings.Contains(r.body, `"model":"instruct"`) {
		t.Error(r.body)
	}
	r = g.json("/v1/completions", `{"model":"instruct","prompt":"Once","stream":true}`)
	if strings.Contains(r.body, "usage") || !strings.HasSuffix(r.body, "data: [DONE]\n\n") || !strings.Contains(r.body, `"model":"instruct"`) {
		t.Errorf("stream: %s", r.body)
	}
	if r := g.json("/v1/chat/completions", `{"model":"instruct","messages":[{"role":"user","content":"x"}]}`); r.status != 400 || !strings.Contains(r.body, "/v1/completions") {
		t.Errorf("a conversation with a text model: %d %s", r.status, r.body)
	}
}

func TestBadRequestsOfEveryTaskNameTheParameter(t *testing.T) {
	up := upstreamWith(t, nil)
	g := start(t, modelList("", up.model("m", "openai/gpt-4o", "/v1"), up.model("c", "anthropic/claude-sonnet-4-5", "")))
	ct, noFile := formOf(t, "model", "m")
	for _, c := range []struct{ path, contentType, body, param string }{
		{"/v1/embeddings", "", `{"model":"m"}`, "input"},
		{"/v1/embeddings", "", `{"model":"m","input":5}`, "input"},
		{"/v1/embeddings", "", `{"model":7,"input":"x"}`, "model"},
		{"/v1/embeddings", "", `{"model":"m","Model":"c","input":"x"}`, "request_body"},
		{"/v1/embeddings", "", `{"model":"m","model":"c","input":"x"}`, "request_body"},
		{"/v1/embeddings", "", `[]`, "request_body"},
		{"/v1/embeddings", "", `{"model":"m","input":"` + "\xff" + `"}`, "request_body"},
		{"/v1/embeddings", "", `{"model":"c","input":"x"}`, "model"},
		{"/v1/embeddings", "", `{"model":"m","input":"x","api_base":"http://evil"}`, "api_base"},
		{"/v1/embeddings", "", `{"model":"m","input":` + strings.Repeat("[", 10000) + strings.Repeat("]", 10000) + `}`, "request_body"},
		{"/v1/moderations", "", `{"model":"m"}`, "input"},
		{"/v1/images/generations", "", `{"model":"m","prompt":["x"]}`, "prompt"},
		{"/v1/images/generations", "", `{"model":"m"}`, "prompt"},
		{"/v1/audio/speech", "", `{"model":"m","input":["x"]}`, "input"},
		{"/v1/audio/transcriptions", "", `{"model":"m"}`, "file"},
		{"/v1/audio/transcriptions", ct, noFile, "file"},
		{"/v1/audio/transcriptions", ct, "--nothing", "request_body"},
		{"/v1/rerank", "", `{"model":"m","query":"q"}`, "documents"},
		{"/v1/rerank", "", `{"model":"m","query":"q","documents":["a"]}`, "model"},
		{"/v1/completions", "", `{"model":"m"}`, "prompt"},
		{"/v1/completions", "", `{"model":"c","prompt":["a","b"]}`, "prompt"},
	} {
		kind := c.contentType
		if kind == "" {
			kind = "application/json"
		}
		r := g.call("POST", c.path, kind, c.body)
		if r.status != 400 || !strings.Contains(r.body, `"param":"`+c.param+`"`) {
			t.Errorf("%s %.60s: %d %.300s, want 400 for %s", c.path, c.body, r.status, r.body, c.param)
		}
	}
	if up.count() != 0 {
		t.Errorf("%d bad requests reached the upstream", up.count())
	}
}

func TestModerationsNeedNoModelWhereOneIsServed(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/moderations": {jsonAnswer(`{"id":"m","model":"omni-moderation-latest","results":[{"flagged":false}]}`)}})
	g := start(t, modelList("", up.model("gpt", "openai/gpt-4o", "/v1"), up.model("mod", "openai/omni-moderation-latest", "/v1")))
	r := g.json("/v1/moderations", `{"input":["x"]}`)
	if r.status != 200 || !strings.Contains(r.body, `"model":"mod"`) || !strings.Contains(up.last(t).body, `"model":"omni-moderation-latest"`) {
		t.Errorf("%d %s; upstream %s", r.status, r.body, up.last(t).body)
	}
}

func TestServerWithoutTextCompletionsIsAskedForThemOnce(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/chat/completions": {jsonAnswer(`{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`)}})
	g := start(t, modelList("", up.model("own", "hosted_vllm/llama", "/v1")))
	for range 2 {
		if r := g.json("/v1/completions", `{"model":"own","prompt":"x"}`); r.status != 200 || !strings.Contains(r.body, `"text":"hi"`) {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if up.count() != 3 {
		t.Errorf("%d calls, want one for completions and two for chat", up.count())
	}
}

func TestTasksAreServedOnTheOtherPathsOfTheirClients(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/embeddings": {jsonAnswer(embedded)}})
	g := start(t, modelList("", up.model("org/emb", "openai/text-embedding-3-small", "/v1")))
	for _, path := range []string{"/embeddings", "/openai/deployments/org/emb/embeddings?api-version=1", "/engines/org%2Femb/embeddings"} {
		if r := g.json(path, `{"model":"org/emb","input":"x"}`); r.status != 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

func TestUpstreamThatAnswersBeforeTheWholeFileIsHeard(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnsupportedMediaType)
		io.WriteString(w, `{"error":{"message":"not that kind of file"}}`)
	}))
	defer up.Close()
	g := start(t, "model_list: [{model_name: stt, litellm_params: {model: openai/whisper-1, api_base: '"+up.URL+"/v1', api_key: k}}]\nfairlead_settings: {max_body_mb: 7}")
	for _, size := range []int{6 << 20, 8 << 20} { // below the gateway's limit, and above
		ct, body := formOf(t, "model", "stt", "@file", strings.Repeat("x", size))
		req, _ := http.NewRequest("POST", g.url+"/v1/audio/transcriptions", io.MultiReader(strings.NewReader(body)))
		req.Header.Set("Content-Type", ct)
		resp, err := g.client.Do(req)
		if err != nil {
			continue // the gateway closed the connection of a client that went on sending
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode/100 != 4 {
			t.Errorf("%d bytes: %d %s", size, resp.StatusCode, b)
		}
	}
}
