package http1

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// serving runs a handler on ours or on net/http's server.
func serving(b *testing.B, ours bool, h http.HandlerFunc) net.Conn {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s, _ := newServer(h)
	served := make(chan struct{})
	b.Cleanup(func() { <-served })
	if ours {
		b.Cleanup(func() { _ = s.Close() })
		go func() { defer close(served); _ = s.Serve(ln) }()
	} else {
		theirs := &http.Server{Handler: h, ReadHeaderTimeout: s.HeaderTimeout, IdleTimeout: s.IdleTimeout}
		b.Cleanup(func() { _ = theirs.Close() })
		go func() { defer close(served); _ = theirs.Serve(ln) }()
	}
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close() })
	return c
}

func both(b *testing.B, h http.HandlerFunc, request, end string) {
	for name, ours := range map[string]bool{"ours": true, "net-http": false} {
		b.Run(name, func(b *testing.B) {
			c := serving(b, ours, h)
			text, p := []byte(request), make([]byte, 64<<10)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(text); err != nil {
					b.Fatal(err)
				}
				for n := 0; !bytes.HasSuffix(p[:n], []byte(end)); {
					m, err := c.Read(p[n:])
					if err != nil {
						b.Fatal(err)
					}
					n += m
				}
			}
		})
	}
}

// chatRequest is what a common client sends.
var chatRequest = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:4000\r\nUser-Agent: OpenAI/Python 1.99.9\r\nContent-Length: 1024\r\n" +
	"Accept: application/json\r\nAuthorization: Bearer sk-1234567890\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n" + strings.Repeat("x", 1024)

var benchValue = []string{"some value"}

// answerFields sets as many fields as the gateway does.
func answerFields(w http.ResponseWriter) {
	h := w.Header()
	for i := range benchNames {
		h[benchNames[i]] = benchValue
	}
}

var benchNames = func() (names [14]string) {
	for i := range names {
		names[i] = fmt.Sprintf("X-Litellm-Field-%d", i)
	}
	return names
}()

func BenchmarkWhole(b *testing.B) {
	body, answer := make([]byte, 1024), bytes.Repeat([]byte("y"), 1024)
	both(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = r.Body.Read(body)
		answerFields(w)
		w.Header()["Content-Type"] = benchValue
		w.Header()["Content-Length"] = []string{"1024"}
		_, _ = w.Write(answer)
	}, chatRequest, "yyyy")
}

func BenchmarkStream(b *testing.B) {
	body, event := make([]byte, 1024), bytes.Repeat([]byte("data: x\n"), 25)
	both(b, func(w http.ResponseWriter, r *http.Request) {
		_, _ = r.Body.Read(body)
		answerFields(w)
		for range 10 {
			_, _ = w.Write(event)
			w.(http.Flusher).Flush()
		}
	}, chatRequest, "\r\n0\r\n\r\n")
}
