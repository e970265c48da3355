package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A model of the fake provider says in its name what it answers:
// "fake-text" a whole answer of about 1 KB, "fake-stream" 50 chunks at once,
// "fake-slow" 50 chunks, one every 100 ms, "fake-flaky" an error for a fifth of the calls,
// "fake-drip" 50 chunks, ten together every second.
const (
	modelText   = "fake-text"
	modelStream = "fake-stream"
	modelSlow   = "fake-slow"
	modelFlaky  = "fake-flaky"
	modelDrip   = "fake-drip"
)

const (
	chunks    = 50
	slowPause = 100 * time.Millisecond
	// dripChunks of a stream of modelDrip come together, and then a pause.
	dripChunks, dripPause = 10, time.Second
)

// sentence is what every chunk says; an answer is checked against it.
const sentence = "The quick brown fox. "

// provider is the fake: it speaks Chat, generateContent and Messages, whole and
// streamed, and refuses a body that is not JSON of the right kind.
type provider struct{}

// flakyStatus are those of the errors of modelFlaky.
var flakyStatus = []int{http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusTooManyRequests}

// Addresses of the fake: plain, TLS with HTTP/1.1 only, TLS with HTTP/2.
type addresses struct{ plain, tls1, tls2 string }

func (p *provider) listen() (addresses, error) { return serveAll(p) }

// serveAll serves a handler over plain HTTP, TLS with HTTP/1.1, and HTTP/2.
func serveAll(h http.Handler) (a addresses, err error) {
	cert, err := selfSigned()
	if err != nil {
		return a, err
	}
	for _, l := range []struct {
		at     *string
		protos []string
	}{{&a.plain, nil}, {&a.tls1, []string{"http/1.1"}}, {&a.tls2, []string{"h2"}}} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return a, err
		}
		*l.at = ln.Addr().String()
		s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
		if l.protos == nil {
			go func() { _ = s.Serve(ln) }() // until the process ends
			continue
		}
		s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: l.protos}
		go func() { _ = s.ServeTLS(ln, "", "") }()
	}
	return a, nil
}

// ServeHTTP implements http.Handler.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) == 0 || body[0] != '{' {
		http.Error(w, `{"error":{"message":"not a request"}}`, http.StatusBadRequest)
		return
	}
	f := formatOf(r.URL.Path)
	if f == nil {
		http.NotFound(w, r)
		return
	}
	name := r.URL.Path + string(body)
	if strings.Contains(name, modelFlaky) && mathrand.IntN(5) == 0 {
		http.Error(w, `{"error":{"message":"overloaded","type":"server_error"}}`, flakyStatus[mathrand.IntN(len(flakyStatus))])
		return
	}
	pause, together, stream := pace(name)
	if !stream {
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(f.whole)))
		_, _ = w.Write(f.whole)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	f.stream(w, pause, together)
}

// pace is how the answer of a model is streamed, false when it is not.
func pace(name string) (pause time.Duration, together int, stream bool) {
	switch {
	case strings.Contains(name, modelStream):
		return 0, 1, true
	case strings.Contains(name, modelSlow):
		return slowPause, 1, true
	case strings.Contains(name, modelDrip):
		return dripPause, dripChunks, true
	}
	return 0, 0, false
}

// format is one provider's way of saying the same.
type format struct {
	whole       []byte
	begin, each []byte
	end         []byte
}

func (f *format) stream(w http.ResponseWriter, pause time.Duration, together int) {
	flush := w.(http.Flusher).Flush
	_, _ = w.Write(f.begin)
	for range chunks / together {
		for range together {
			if _, err := w.Write(f.each); err != nil {
				return
			}
		}
		flush()
		time.Sleep(pause)
	}
	_, _ = w.Write(f.end)
}

func formatOf(path string) *format {
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		return &chatFormat
	case strings.HasSuffix(path, "/messages"):
		return &messagesFormat
	case strings.Contains(path, "enerateContent"):
		return &geminiFormat
	}
	return nil
}

func data(format string, a ...any) []byte { return fmt.Appendf(nil, "data: "+format+"\n\n", a...) }

var (
	words      = strings.Repeat(sentence, chunks)
	chatFormat = format{
		whole: fmt.Appendf(nil, `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"fake","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":20,"completion_tokens":250,"total_tokens":270}}`, words),
		begin: data(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`),
		each:  data(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{"content":%q},"finish_reason":null}]}`, sentence),
		end: append(data(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`),
			append(data(`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[],"usage":{"prompt_tokens":20,"completion_tokens":250,"total_tokens":270}}`), "data: [DONE]\n\n"...)...),
	}
	geminiFormat = format{
		whole: fmt.Appendf(nil, `{"candidates":[{"content":{"role":"model","parts":[{"text":%q}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":20,"candidatesTokenCount":250,"totalTokenCount":270},"modelVersion":"fake","responseId":"r1"}`, words),
		each:  data(`{"candidates":[{"content":{"role":"model","parts":[{"text":%q}]},"index":0}],"modelVersion":"fake","responseId":"r1"}`, sentence),
		end:   data(`{"candidates":[{"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":20,"candidatesTokenCount":250,"totalTokenCount":270},"modelVersion":"fake","responseId":"r1"}`),
	}
	messagesFormat = format{
		whole: fmt.Appendf(nil, `{"id":"msg_1","type":"message","role":"assistant","model":"fake","content":[{"type":"text","text":%q}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":20,"output_tokens":250}}`, words),
		begin: append(named("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"fake","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":20,"output_tokens":1}}}`),
			named("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)...),
		each: named("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"`+sentence+`"}}`),
		end: append(append(named("content_block_stop", `{"type":"content_block_stop","index":0}`),
			named("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":250}}`)...),
			named("message_stop", `{"type":"message_stop"}`)...),
	}
)

func named(event, body string) []byte {
	return append([]byte("event: "+event+"\n"), data("%s", body)...)
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
