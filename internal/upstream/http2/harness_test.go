package http2

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a server of HTTP/2 at the other end of a pipe, which is a script of frames.
type peer struct {
	*http2.Framer
	conn net.Conn
	mu   sync.Mutex // of what the script has
	// window is what it lets the client send of each request, streams how many there
	// may be at once; both are said in its first SETTINGS.
	window, streams uint32
	// header and end are called at those frames of a request, frame for each other one.
	header, end func(p *peer, id uint32) bool
	frame       func(p *peer, f http2.Frame) bool
	fields      []hpack.HeaderField // of the latest request
	body        []byte
	block       bytes.Buffer
	enc         *hpack.Encoder
}

const wide = 1 << 20

func (p *peer) serve() {
	defer p.conn.Close()
	p.Framer = http2.NewFramer(p.conn, p.conn)
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.enc = hpack.NewEncoder(&p.block)
	settings := []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: p.window}, {ID: http2.SettingMaxConcurrentStreams, Val: p.streams}}
	if p.WriteSettings(settings...) != nil {
		return
	}
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(p.conn, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	for {
		f, err := p.ReadFrame()
		if err != nil || !p.take(f) {
			return
		}
	}
}

// do has a test say something at the side of the script, and waits until it was heard.
func (p *peer) do(say func()) {
	p.mu.Lock()
	say()
	p.mu.Unlock()
	synctest.Wait()
}

func (p *peer) take(f http2.Frame) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := f.Header().StreamID
	switch f := f.(type) {
	case *http2.MetaHeadersFrame:
		p.fields, p.body = append(p.fields[:0], f.Fields...), p.body[:0]
		if p.header != nil && !p.header(p, id) {
			return false
		}
		return !f.StreamEnded() || p.end(p, id)
	case *http2.DataFrame:
		p.body = append(p.body, f.Data()...)
		if p.frame != nil && !p.frame(p, f) {
			return false
		}
		return !f.StreamEnded() || p.end(p, id)
	case *http2.SettingsFrame:
		if !f.IsAck() && p.WriteSettingsAck() != nil {
			return false
		}
	}
	return p.frame == nil || p.frame(p, f)
}

// said is a field of the latest request.
func (p *peer) said(name string) string {
	for _, f := range p.fields {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// head answers with a header of these names and values.
func (p *peer) head(id uint32, last bool, fields ...string) bool {
	return p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(fields...), EndHeaders: true, EndStream: last}) == nil
}

func (p *peer) encode(fields ...string) []byte {
	p.block.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return p.block.Bytes()
}

// answer is a whole answer.
func (p *peer) answer(id uint32) bool {
	return p.begin(id) && p.WriteData(id, true, []byte("ok")) == nil
}

// begin is the header of one.
func (p *peer) begin(id uint32) bool { return p.head(id, false, ":status", "200") }

// buffered is a pipe that takes what is written at once: HTTP/2 has both sides write
// first.
type buffered struct {
	net.Conn
	mu      sync.Mutex
	more    sync.Cond
	waiting [][]byte
	writes  [][]byte
	err     error
}

func newBuffered(nc net.Conn) *buffered {
	b := &buffered{Conn: nc}
	b.more.L = &b.mu
	go b.run()
	return b
}

func (b *buffered) run() {
	defer b.Conn.Close()
	for {
		b.mu.Lock()
		for len(b.waiting) == 0 && b.err == nil {
			b.more.Wait()
		}
		if len(b.waiting) == 0 {
			b.mu.Unlock()
			return
		}
		p := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.mu.Unlock()
		if _, err := b.Conn.Write(p); err != nil {
			_ = b.Close()
			return
		}
	}
}

func (b *buffered) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return 0, b.err
	}
	p = append([]byte(nil), p...)
	b.waiting, b.writes = append(b.waiting, p), append(b.writes, p)
	b.more.Signal()
	return len(p), nil
}

// Close has what is waiting written, and nothing read.
func (b *buffered) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = net.ErrClosed
	b.more.Signal()
	return b.Conn.SetReadDeadline(time.Unix(1, 0))
}

// written counts the writes so far.
func (b *buffered) written() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.writes)
}

// dialled is a connection to a peer that has just been opened.
func dialled(t *testing.T, p *peer) *buffered {
	near, far := net.Pipe()
	p.conn = newBuffered(far)
	if p.streams == 0 {
		p.streams = 100
	}
	done := make(chan bool)
	go func() { defer close(done); p.serve() }()
	b := newBuffered(near)
	t.Cleanup(func() { _ = b.Close(); <-done })
	return b
}

// newPool returns a pool that is closed with the test.
func newPool(t testing.TB) *Pool {
	p := NewPool(Options{IdleTimeout: time.Minute, PingAfter: time.Hour, MaxHeaderBytes: 64 << 10})
	t.Cleanup(p.CloseIdle)
	return p
}

// add gives the pool a connection to a host.
func (p *Pool) test(name string, nc net.Conn) *Conn {
	s := &spill{now: nothingNow, slow: nc}
	return p.add(name, nc, s, s)
}

// to is a connection to a peer.
func to(t *testing.T, p *peer) *Conn { return newPool(t).test("up", dialled(t, p)) }

var long = http1.Limits{Header: time.Hour, Idle: time.Hour, Total: time.Hour}

func request(body string) *http1.Request {
	q := &http1.Request{
		Method: "POST", URL: &url.URL{Scheme: "https", Host: "up:443", Path: "/v1/x", RawQuery: "a=b"},
		Header: http.Header{"Authorization": {"Bearer k"}, "Content-Type": {"application/json"}}, Limits: long,
	}
	if body != "" {
		q.Body = []byte(body)
	}
	return q
}

// send makes a call over a connection.
func send(ctx context.Context, c *Conn, body string) (string, error) {
	return call(ctx, c, request(body))
}

func call(ctx context.Context, c *Conn, q *http1.Request) (string, error) {
	a := &Response{}
	if err := c.Do(ctx, q, a); err != nil {
		return "", err
	}
	defer a.Close()
	text, err := io.ReadAll(a)
	return string(text), err
}

// again reserves another stream of a connection.
func again(t *testing.T, c *Conn) *Conn {
	t.Helper()
	if !c.reserve() {
		t.Fatal("no stream may be opened")
	}
	return c
}

// bare is a connection and its other end, which nobody serves.
func bare(t *testing.T) (*Conn, net.Conn) {
	near, far := net.Pipe()
	t.Cleanup(func() { _ = far.Close() })
	return newPool(t).test("up", near), far
}
