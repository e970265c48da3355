package http2

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is a server of HTTP/2 at the other end of a pipe, which is a script of frames.
type peer struct {
	*http2.Framer
	conn net.Conn
	// window is what it lets the client send of each request, streams how many there
	// may be at once.
	window, streams uint32
	// header and end are called at those frames of a request.
	header, end func(p *peer, id uint32) bool
}

func (p *peer) serve() {
	defer p.conn.Close()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(p.conn, preface); err != nil {
		return
	}
	p.Framer = http2.NewFramer(p.conn, p.conn)
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	settings := []http2.Setting{{ID: http2.SettingInitialWindowSize, Val: p.window}, {ID: http2.SettingMaxConcurrentStreams, Val: p.streams}}
	if p.WriteSettings(settings...) != nil {
		return
	}
	for {
		frame, err := p.ReadFrame()
		if err != nil || !p.frame(frame) {
			return
		}
	}
}

func (p *peer) frame(frame http2.Frame) bool {
	id := frame.Header().StreamID
	switch frame := frame.(type) {
	case *http2.SettingsFrame:
		return frame.IsAck() || p.WriteSettingsAck() == nil
	case *http2.MetaHeadersFrame:
		if p.header != nil && !p.header(p, id) {
			return false
		}
		return !frame.StreamEnded() || p.end(p, id)
	case *http2.DataFrame:
		return !frame.StreamEnded() || p.end(p, id)
	}
	return true
}

// answer is a whole answer.
func (p *peer) answer(id uint32) bool {
	var block strings.Builder
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	return p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte(block.String()), EndHeaders: true}) == nil &&
		p.WriteData(id, true, []byte("ok")) == nil
}

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
	for {
		b.mu.Lock()
		for len(b.waiting) == 0 && b.err == nil {
			b.more.Wait()
		}
		if b.err != nil {
			b.mu.Unlock()
			return
		}
		p := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.mu.Unlock()
		if _, err := b.Conn.Write(p); err != nil {
			_ = b.Close()
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

func (b *buffered) Close() error {
	b.mu.Lock()
	b.err = net.ErrClosed
	b.more.Signal()
	b.mu.Unlock()
	return b.Conn.Close()
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
func newPool(t *testing.T) *Pool {
	p := NewPool(Options{IdleTimeout: time.Minute, PingAfter: time.Hour, MaxHeaderBytes: 64 << 10})
	t.Cleanup(p.CloseIdle)
	return p
}

// add gives the pool a connection to a host.
func add(t *testing.T, p *Pool, name string, nc net.Conn) *Conn {
	t.Helper()
	c, err := p.Add(name, nc)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send makes a call over a connection.
func send(ctx context.Context, c *Conn, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", "https://up/v1/x", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := c.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}
