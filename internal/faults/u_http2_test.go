//go:build unix

package faults

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// stream2 is a request of HTTP/2 at an upstream that is a script of frames.
type stream2 struct {
	*http2.Framer
	id uint32
	// last is the id of the stream before it on its connection, 0 for none.
	last   uint32
	format *format
	stream bool
}

// speak2 serves a connection of HTTP/2; window is what it lets the gateway send of each
// request.
func speak2(conn net.Conn, window uint32, do func(s *stream2) bool) {
	_ = conn.SetDeadline(time.Now().Add(patience))
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
			open[id] = &stream2{Framer: fr, id: id, last: last, format: c.format, stream: c.stream}
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

func (s *stream2) healthy() bool { return s.head() && s.body(s.text(), true) }

func TestU25HTTP2(t *testing.T) {
	a := newAuthority(t)
	secure := a.server(t, net.IPv4(127, 0, 0, 1), time.Now().Add(time.Hour), "h2")
	type script2 struct {
		name         string
		limit        float64 // seconds until the answer begins
		window       uint32
		do           func(s *stream2) bool
		alone, after verdict
	}
	const wide = 1 << 20
	for _, sc := range []script2{
		{"no fault", 15, wide, (*stream2).healthy, right, right},
		{"GOAWAY before the answer", 1, wide, func(s *stream2) bool {
			_ = s.WriteGoAway(s.last, http2.ErrCodeNo, nil)
			return false
		}, refused, right},
		{"GOAWAY and the answer", 15, wide, func(s *stream2) bool {
			return s.WriteGoAway(s.id, http2.ErrCodeNo, nil) == nil && s.healthy()
		}, right, right},
		{"GOAWAY in the middle, then the rest", 15, wide, func(s *stream2) bool {
			return s.head() && s.body(s.text()[:30], false) && s.WriteGoAway(s.id, http2.ErrCodeNo, nil) == nil && s.body(s.text()[30:], true)
		}, either, either},
		{"GOAWAY in the middle and gone", 1, wide, func(s *stream2) bool {
			_ = s.head() && s.body(s.begun(), false) && s.WriteGoAway(s.id, http2.ErrCodeInternal, nil) == nil
			return false
		}, refused, either},
		{"ENHANCE_YOUR_CALM", 1, wide, func(s *stream2) bool {
			_ = s.WriteGoAway(s.id, http2.ErrCodeEnhanceYourCalm, []byte("too_many_pings"))
			return false
		}, refused, right},
		{"REFUSED_STREAM", 1, wide, func(s *stream2) bool { return s.WriteRSTStream(s.id, http2.ErrCodeRefusedStream) == nil }, refused, right},
		{"INTERNAL_ERROR before the answer", 15, wide, func(s *stream2) bool { return s.WriteRSTStream(s.id, http2.ErrCodeInternal) == nil }, refused, right},
		{"reset in the middle", 15, wide, func(s *stream2) bool {
			return s.head() && s.body(s.begun(), false) && s.WriteRSTStream(s.id, http2.ErrCodeInternal) == nil
		}, refused, either},
		{"ends in the middle", 15, wide, func(s *stream2) bool { return s.head() && s.body(s.begun(), true) }, refused, either},
		{"an empty answer", 15, wide, func(s *stream2) bool { return s.head() && s.body("", true) }, refused, right},
		{"no window for the request", 1, 0, (*stream2).healthy, either, right},
		{"never answers", 1, wide, func(*stream2) bool { return true }, refused, right},
		{"a frame of another stream", 1, wide, func(s *stream2) bool {
			return s.WriteData(s.id+100, true, []byte("forged")) == nil
		}, refused, right},
	} {
		addr, stop := listen(t, secure.Clone(), func(c net.Conn) { speak2(c, sc.window, sc.do) })
		t.Cleanup(stop)
		survive(t, fault{name: sc.name, base: "https://" + addr, options: fmt.Sprintf(", timeout: %v, ssl_verify: %s", sc.limit, a.ca), alone: sc.alone, spared: sc.after})
	}
}
