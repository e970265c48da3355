package e2e_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// talker is an upstream of the Realtime API: it answers every message and says how
// its side ended.
func talker(t *testing.T) (*httptest.Server, chan *http.Request, chan error) {
	t.Helper()
	began, ended := make(chan *http.Request, 1), make(chan error, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("model") == "refused" {
			http.Error(w, `{"error":{"message":"no such model","code":"model_not_found"}}`, http.StatusNotFound)
			return
		}
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"realtime"}})
		if err != nil {
			t.Error(err)
			return
		}
		began <- r
		for {
			kind, b, err := conn.Read(context.Background())
			if err != nil {
				ended <- err
				return
			}
			if string(b) == "bye" {
				conn.Close(4001, "enough")
				ended <- nil
				return
			}
			conn.Write(context.Background(), kind, []byte(`{"type":"response.done","response":{"usage":{"input_tokens":10,"output_tokens":4,"input_token_details":{"audio_tokens":3}}}}`))
		}
	}))
	t.Cleanup(s.Close)
	return s, began, ended
}

func realtimeGateway(t *testing.T, url string) *gateway {
	return start(t, `model_list:
- {model_name: rt, litellm_params: {model: openai/gpt-realtime, api_base: "`+url+`/v1", api_key: sk-upstream}}
- {model_name: no, litellm_params: {model: openai/refused, api_base: "`+url+`/v1", api_key: sk-upstream}}
general_settings: {master_key: sk-gateway-0123456789}
router_settings: {num_retries: 0}
`)
}

func TestRealtimeRelaysMessagesAndReadsTheirUsage(t *testing.T) {
	up, began, ended := talker(t)
	g := realtimeGateway(t, up.URL)
	ctx := context.Background()
	conn, resp, err := websocket.Dial(ctx, g.url+"/v1/realtime?model=rt&intent=x", &websocket.DialOptions{
		Subprotocols: []string{"realtime", "openai-insecure-api-key.sk-gateway-0123456789"}, HTTPHeader: http.Header{"OpenAI-Beta": {"realtime=v1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	r := <-began
	if r.URL.Path != "/v1/realtime" || r.URL.Query().Get("model") != "gpt-realtime" || r.URL.Query().Get("intent") != "x" || r.Header.Get("Authorization") != "Bearer sk-upstream" ||
		strings.Contains(r.Header.Get("Sec-WebSocket-Protocol"), "sk-gateway") || r.Header.Get("OpenAI-Beta") != "realtime=v1" {
		t.Errorf("the upstream got %s %v", r.URL, r.Header)
	}
	if conn.Subprotocol() != "realtime" || resp.Header.Get("X-Litellm-Model-Group") != "rt" {
		t.Errorf("protocol %q, header %v", conn.Subprotocol(), resp.Header)
	}
	for range 2 {
		conn.Write(ctx, websocket.MessageText, []byte(`{"type":"response.create"}`))
		if _, b, err := conn.Read(ctx); err != nil || !strings.Contains(string(b), "response.done") {
			t.Fatalf("%s %v", b, err)
		}
	}
	conn.Close(websocket.StatusNormalClosure, "done")
	if err := <-ended; websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("the upstream's side ended with %v", err)
	}
	if g.log.Find(0, regexp.MustCompile("in=20 out=8"), nil) == "" {
		t.Errorf("the usage is not in the log:\n%s", g.log)
	}
}

func TestRealtimeClosesBothSidesWhenOneEnds(t *testing.T) {
	up, began, ended := talker(t)
	g := realtimeGateway(t, up.URL)
	ctx := context.Background()
	dial := func() *websocket.Conn {
		conn, _, err := websocket.Dial(ctx, g.url+"/realtime?model=rt", &websocket.DialOptions{HTTPHeader: http.Header{"Authorization": {"Bearer sk-gateway-0123456789"}}})
		if err != nil {
			t.Fatal(err)
		}
		<-began
		return conn
	}
	conn := dial()
	conn.Write(ctx, websocket.MessageText, []byte("bye"))
	if _, _, err := conn.Read(ctx); websocket.CloseStatus(err) != 4001 {
		t.Errorf("the client's side ended with %v", err)
	}
	<-ended
	conn = dial()
	conn.CloseNow() // the client breaks off
	if err := <-ended; err == nil {
		t.Error("the upstream's side stayed open")
	}
}

func TestRealtimeRefusesInHTTPWhatCannotBegin(t *testing.T) {
	up, _, _ := talker(t)
	g := realtimeGateway(t, up.URL)
	key := []string{"Authorization", "Bearer sk-gateway-0123456789"}
	upgrade := append(key, "Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
	if r := g.call("GET", "/v1/realtime?model=rt", "", ""); r.status != 401 {
		t.Errorf("without a key: %d", r.status)
	}
	if r := g.call("GET", "/v1/realtime?model=rt", "", "", key...); r.status != http.StatusUpgradeRequired {
		t.Errorf("without an upgrade: %d", r.status)
	}
	if r := g.call("GET", "/v1/realtime", "", "", upgrade...); r.status != 400 || !strings.Contains(r.body, `"param":"model"`) {
		t.Errorf("without a model: %d %s", r.status, r.body)
	}
	if r := g.call("GET", "/v1/realtime?model=nope", "", "", upgrade...); r.status != 400 {
		t.Errorf("an unknown model: %d %s", r.status, r.body)
	}
	if r := g.call("GET", "/v1/realtime?model=no", "", "", upgrade...); r.status != 404 || !strings.Contains(r.body, "no such model") {
		t.Errorf("refused by the upstream: %d %s", r.status, r.body)
	}
}
