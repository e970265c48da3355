package conformance

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/fairlead-gateway/fairlead/conformance/golden"
)

// upstream is the scripted provider: it plays the script of the case that is running.
type upstream struct {
	addr   string // host:port
	server *http.Server

	asked chan struct{} // gets one for a call that arrived, if there is room

	mu      sync.Mutex
	script  *golden.Script
	release chan struct{} // closed when the case ends, so that hanging answers end too
}

func startUpstream() (*upstream, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	u := &upstream{addr: ln.Addr().String(), asked: make(chan struct{}, 1)}
	u.server = &http.Server{Handler: u}
	go u.server.Serve(ln) //nolint:errcheck // ends when the server is closed
	return u, nil
}

func (u *upstream) begin(s *golden.Script) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.script, u.release = s, make(chan struct{})
}

// end stops the script and returns what it was asked.
func (u *upstream) end() []golden.Call {
	u.mu.Lock()
	defer u.mu.Unlock()
	close(u.release)
	calls := u.script.Calls()
	u.script = nil
	return calls
}

func (u *upstream) answer(c golden.Call) (golden.Reply, <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.script == nil {
		return golden.Reply{Status: 503, Body: json.RawMessage(`{"error":{"message":"no case is running","type":"stray","param":null,"code":null}}`)}, nil
	}
	select {
	case u.asked <- struct{}{}:
	default:
	}
	return u.script.Answer(c), u.release
}

var (
	png, _   = base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	isStream = regexp.MustCompile(`^(data|event):`)
	oneEvent = regexp.MustCompile(`(?s).*?\n\n|.+$`)
)

// ServeHTTP answers one upstream call as the script says.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/img.png" {
		writeReply(w, golden.Reply{Status: 200}, "image/png", png)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	reply, release := u.answer(golden.Call{Method: r.Method, Path: r.RequestURI, Headers: flat(r.Header), Body: asJSON(body)})
	var text string
	if json.Unmarshal(reply.Body, &text) != nil {
		writeReply(w, reply, "application/json; charset=utf-8", reply.Body)
		return
	}
	switch {
	case text == "<<hang>>":
		select {
		case <-release:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler) // closes the connection
	case text == "<<TCP close>>":
		panic(http.ErrAbortHandler)
	case text == "<<16 bytes>>":
		writeReply(w, reply, "audio/mpeg", []byte("ID3\x04FAKEMP3BYTES"))
	case text == "<<png>>":
		writeReply(w, reply, "image/png", png)
	case isStream.MatchString(text):
		writeStream(w, reply, text)
	case strings.HasPrefix(text, "<"):
		writeReply(w, reply, "text/html", []byte(text))
	default:
		writeReply(w, reply, "application/json", []byte(text))
	}
}

func writeReply(w http.ResponseWriter, reply golden.Reply, contentType string, body []byte) {
	setHeaders(w, reply, contentType)
	w.WriteHeader(reply.Status)
	w.Write(body) //nolint:errcheck // the gateway may have left
}

func setHeaders(w http.ResponseWriter, reply golden.Reply, contentType string) {
	for k, v := range reply.Headers {
		if !strings.EqualFold(k, "content-type") && !strings.EqualFold(k, "content-length") {
			w.Header().Set(k, v)
		}
	}
	w.Header().Set("Content-Type", contentType)
}

// writeStream sends one chunk per event; a stream that ends with the marker of a cut is cut there.
func writeStream(w http.ResponseWriter, reply golden.Reply, text string) {
	text, cut := strings.CutSuffix(text, "<<TCP cut>>")
	setHeaders(w, reply, "text/event-stream")
	flush := http.NewResponseController(w).Flush
	for _, e := range oneEvent.FindAllString(text, -1) {
		io.WriteString(w, e) //nolint:errcheck // the gateway may have left
		flush()              //nolint:errcheck
	}
	if cut {
		panic(http.ErrAbortHandler)
	}
}

func flat(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for k, v := range h {
		out[strings.ToLower(k)] = v[len(v)-1]
	}
	return out
}

// asJSON keeps a JSON body as it is and makes any other text a JSON string, as in the vectors.
func asJSON(body []byte) json.RawMessage {
	if json.Valid(body) {
		return body
	}
	text, err := json.Marshal(string(body))
	if err != nil {
		return nil
	}
	return text
}
