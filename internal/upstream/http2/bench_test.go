package http2

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// echo answers each request whose body has come, with little work of its own that would
// be counted.
func echo(b *testing.B) net.Conn {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	done := make(chan bool)
	go func() {
		defer close(done)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		parrot(c)
	}()
	nc, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { nc.Close(); <-done })
	return nc
}

func parrot(c net.Conn) {
	var out, block bytes.Buffer
	fr := http2.NewFramer(&out, c)
	fr.SetReuseFrames()
	enc := hpack.NewEncoder(&block)
	_, _ = io.ReadFull(c, make([]byte, len(http2.ClientPreface)))
	_ = fr.WriteSettings()
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = fr.WriteSettingsAck()
			}
		case *http2.DataFrame:
			_ = fr.WriteWindowUpdate(0, f.Length)
			block.Reset()
			for _, h := range [][2]string{{":status", "200"}, {"content-type", "application/json"}, {"date", "Mon, 02 Jan 2006 15:04:05 GMT"}, {"x-request-id", "req_1"}, {"content-length", "13"}} {
				_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
			}
			_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: f.StreamID, BlockFragment: block.Bytes(), EndHeaders: true})
			_ = fr.WriteData(f.StreamID, true, []byte(`{"a":[1,2,3]}`))
		}
		if _, err := c.Write(out.Bytes()); err != nil {
			return
		}
		out.Reset()
	}
}

var benchHeader = http.Header{"Authorization": {"Bearer k"}, "Content-Type": {"application/json"}, "User-Agent": {"x"}, "Accept-Encoding": {"identity"}}

var benchBody = append(bytes.Repeat([]byte("x"), 1<<10), '}')

// BenchmarkDo and BenchmarkTransport make the same call of 1 KiB as those of HTTP/1.1.
func BenchmarkDo(b *testing.B) {
	u := &url.URL{Scheme: "https", Host: "up", Path: "/v1/chat/completions"}
	q := &http1.Request{Method: "POST", URL: u, Header: benchHeader, Body: benchBody, Limits: long}
	nc := echo(b)
	s := &spill{now: nc.Write, slow: nc}
	c := newPool(b).add("up", nc, s, s)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	p := make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		a := &Response{}
		if err := c.Do(ctx, q, a); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(a, p[:13]); err != nil {
			b.Fatal(err)
		}
		a.Close()
		c.reserve()
	}
}

func BenchmarkTransport(b *testing.B) {
	nc := echo(b)
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols, DisableCompression: true, IdleConnTimeout: time.Minute, DialContext: func(context.Context, string, string) (net.Conn, error) { return nc, nil }}
	b.Cleanup(transport.CloseIdleConnections)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	p := make([]byte, 1<<10)
	u := &url.URL{Scheme: "http", Host: "up", Path: "/v1/chat/completions"}
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
		resp.Body.Close()
	}
}
