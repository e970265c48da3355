//go:build unix

package faults

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream2 is a request of HTTP/2 at an upstream that is a script of frames.
type stream2 struct {
	*http2.Framer
	conn *tls.Conn
	id   uint32
	// last is the id of the stream before it on its connection, 0 for none.
	last   uint32
	format *format
	stream bool
}

// speak2 serves a connection of HTTP/2; window is what it lets the gateway send of each
// request.
func speak2(conn *tls.Conn, window uint32, do func(s *stream2) bool) {
	fr := http2.NewFramer(conn, conn)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: window}) != nil {
		return
	}
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	open, last := map[uint32]*stream2{}, uint32(0)
	for {
		frame, err := fr.ReadFrame()
		if err != nil {
			return
		}
		id := frame.Header().StreamID
		switch frame := frame.(type) {
		case *http2.SettingsFrame:
			if !frame.IsAck() && fr.WriteSettingsAck() != nil {
				return
			}
		case *http2.PingFrame:
			if !frame.IsAck() && fr.WritePing(true, frame.Data) != nil {
				return
			}
		case *http2.MetaHeadersFrame:
			c := &call{}
			c.understand(frame.PseudoValue("path"), "")
			open[id] = &stream2{Framer: fr, conn: conn, id: id, last: last, format: c.format, stream: c.stream}
			last = id
		case *http2.DataFrame:
			s := open[id]
			s.stream = s.stream || bytes.Contains(frame.Data(), []byte(`"stream":true`))
			if frame.StreamEnded() && !do(s) {
				return
			}
		}
	}
}

// head begins the answer, body goes on with it.
func (s *stream2) head() bool {
	kind := "application/json"
	if s.stream {
		kind = "text/event-stream"
	}
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, f := range []hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "content-type", Value: kind}} {
		if enc.WriteField(f) != nil {
			return false
		}
	}
	return s.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block.Bytes(), EndHeaders: true}) == nil
}

func (s *stream2) body(text string, end bool) bool {
	return s.WriteData(s.id, end, []byte(text)) == nil
}

func (s *stream2) text() string {
	if s.stream {
		return strings.Join(s.format.events(said), "")
	}
	return s.format.whole(said)
}

func (s *stream2) begun() string {
	if s.stream {
		return strings.Join(s.format.events(said)[:s.format.first+2], "")
	}
	return s.text()[:20]
}

// leave ends the connection after the answers on it, as a server does that has said
// GOAWAY. A client that counts on ending it itself may keep it until it is idle for too
// long: net/http's does, when a request gave its place on it back at that moment.
func (s *stream2) leave() bool {
	_ = s.conn.CloseWrite()
	_, _ = io.Copy(io.Discard, s.conn)
	return false
}

func (s *stream2) healthy() bool { return s.head() && s.body(s.text(), true) }

func TestU25HTTP2(t *testing.T) {
	a := newAuthority(t)
	secure := a.server(t, net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour), "h2")
	type script2 struct {
		name         string
		timeout      float64 // of the deployment, where it may be what ends the fault
		window       uint32
		do           func(s *stream2) bool
		alone, after verdict
	}
	const wide = 1 << 20
	var list []fault
	for _, sc := range []script2{
		{"no fault", 0, wide, (*stream2).healthy, right, right},
		{"GOAWAY before the answer", 1, wide, func(s *stream2) bool {
			_ = s.WriteGoAway(s.last, http2.ErrCodeNo, nil)
			return false
		}, refused, right},
		{"GOAWAY and the answer", 0, wide, func(s *stream2) bool {
			return s.WriteGoAway(s.id, http2.ErrCodeNo, nil) == nil && s.healthy() && s.leave()
		}, right, right},
		{"GOAWAY in the middle, then the rest", 0, wide, func(s *stream2) bool {
			return s.head() && s.body(s.text()[:30], false) && s.WriteGoAway(s.id, http2.ErrCodeNo, nil) == nil && s.body(s.text()[30:], true) && s.leave()
		}, either, either},
		{"GOAWAY in the middle and gone", 0, wide, func(s *stream2) bool {
			_ = s.head() && s.body(s.begun(), false) && s.WriteGoAway(s.id, http2.ErrCodeInternal, nil) == nil
			return false
		}, refused, either},
		{"ENHANCE_YOUR_CALM", 1, wide, func(s *stream2) bool {
			_ = s.WriteGoAway(s.id, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
			return false
		}, refused, right},
		{"REFUSED_STREAM", 1, wide, func(s *stream2) bool { return s.WriteRSTStream(s.id, http2.ErrCodeRefusedStream) == nil }, refused, right},
		{"INTERNAL_ERROR before the answer", 0, wide, func(s *stream2) bool { return s.WriteRSTStream(s.id, http2.ErrCodeInternal) == nil }, refused, right},
		{"reset in the middle", 0, wide, func(s *stream2) bool {
			return s.head() && s.body(s.begun(), false) && s.WriteRSTStream(s.id, http2.ErrCodeInternal) == nil
		}, refused, either},
		{"ends in the middle", 0, wide, func(s *stream2) bool { return s.head() && s.body(s.begun(), true) }, refused, either},
		{"an empty answer", 0, wide, func(s *stream2) bool { return s.head() && s.body("", true) }, refused, right},
		{"no window for the request", 0.6, 0, (*stream2).healthy, either, right},
		{"never answers", 0.6, wide, func(*stream2) bool { return true }, refused, right},
		{"a frame of another stream", 0, wide, func(s *stream2) bool {
			return s.WriteData(s.id+100, true, []byte("forged")) == nil
		}, refused, right},
		{"data before the header", 0, wide, func(s *stream2) bool { return s.body(s.text(), true) }, refused, right},
	} {
		addr, stop := listen(t, secure.Clone(), func(c net.Conn) { speak2(c.(*tls.Conn), sc.window, sc.do) })
		t.Cleanup(stop)
		f := fault{name: sc.name, base: "https://" + addr, options: ", ssl_verify: " + a.ca, alone: sc.alone, spared: sc.after}
		if sc.timeout > 0 {
			f.options += fmt.Sprintf(", timeout: %v", sc.timeout)
		}
		if sc.name == "GOAWAY and the answer" {
			f.clients = 1 // what another sends meanwhile on the same connection is refused
		}
		list = append(list, f)
	}
	survive(t, list...)
}

// What a server that says GOAWAY has not looked at is sent again, on another connection;
// what it has is not, and its answer still comes.
func TestU25RequestsBehindTheLastOneOfAGOAWAYAreSentAgain(t *testing.T) {
	a := newAuthority(t)
	secure := a.server(t, net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour), "h2")
	var arrived atomic.Int64
	taken := make(chan struct{})
	var second *stream2 // of the first connection
	addr, stop := listen(t, secure, func(c net.Conn) {
		speak2(c.(*tls.Conn), 1<<20, func(s *stream2) bool {
			arrived.Add(1)
			switch s.last {
			case 0: // the first of a connection
				return s.healthy()
			case 1:
				second = s
				close(taken)
				return true
			}
			return s.WriteGoAway(second.id, http2.ErrCodeNo, nil) == nil && second.healthy() && s.leave()
		})
	})
	t.Cleanup(stop)
	g := start(t, "model_list:\n"+deployment("chat", chatFormat, "https://"+addr, ", ssl_verify: "+a.ca)+
		"router_settings: {num_retries: 0}\nfairlead_settings: {"+ample+"}\n")
	ask := func() {
		if o := g.ask(chatDialect, question{model: "chat"}); !o.right() {
			t.Error(o)
		}
	}
	ask()
	var all sync.WaitGroup
	all.Go(ask)
	<-taken
	all.Go(ask)
	all.Wait()
	if n := arrived.Load(); n != 4 {
		t.Errorf("3 requests arrived as %d, want one of them twice", n)
	}
}
