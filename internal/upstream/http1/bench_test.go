package http1

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// echo answers whenever what has arrived ends in a brace, so that there is little
// work of its own that would be counted.
func echo(b *testing.B, answer string) *url.URL {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan bool)
	b.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		p := make([]byte, 64<<10)
		for {
			n, err := c.Read(p)
			if err != nil {
				return
			}
			if p[n-1] == '}' {
				_, _ = io.WriteString(c, answer)
			}
		}
	}()
	return &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/v1/chat/completions"}
}

const benchAnswer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nX-Request-Id: req_1\r\nContent-Length: 13\r\n\r\n{\"a\":[1,2,3]}"

var benchHeader = http.Header{"Authorization": {"Bearer k"}, "Content-Type": {"application/json"}, "User-Agent": {"x"}, "Accept-Encoding": {"identity"}}

var benchBody = append(bytes.Repeat([]byte("x"), 1<<10), '}')

// BenchmarkDo and BenchmarkTransport make the same call of 1 KiB.
func BenchmarkDo(b *testing.B) {
	q := &Request{Method: "POST", URL: echo(b, benchAnswer), Header: benchHeader, Body: benchBody, Limits: long}
	c := tcp(b)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	p := make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		a := &Response{}
		if err := c.Do(ctx, q, a); err != nil {
			b.Fatal(err)
		}
		if _, err := a.Read(p); err != io.EOF {
			b.Fatal(err)
		}
	}
}

func BenchmarkTransport(b *testing.B) {
	u := echo(b, benchAnswer)
	transport := &http.Transport{DisableCompression: true, IdleConnTimeout: time.Minute}
	b.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	p := make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		q := (&http.Request{Method: "POST", URL: u, Header: benchHeader, ContentLength: int64(len(benchBody)), Body: io.NopCloser(bytes.NewReader(benchBody))}).WithContext(ctx)
		resp, err := transport.RoundTrip(q)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(resp.Body, p[:13]); err != nil {
			b.Fatal(err)
		}
		if _, err := resp.Body.Read(p); err != io.EOF {
			b.Fatal(err)
		}
		resp.Body.Close()
	}
}
