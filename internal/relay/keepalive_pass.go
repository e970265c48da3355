package relay

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// seam finds where events end in a stream that passes as bytes: a ping may stand there,
// and nowhere else. The zero value is the beginning of a stream.
type seam struct {
	last  [3]byte
	begun bool
}

// write takes note of bytes that have passed.
func (s *seam) write(b []byte) {
	s.begun = s.begun || len(b) > 0
	if n := len(s.last); len(b) >= n {
		copy(s.last[:], b[len(b)-n:])
		return
	}
	n := copy(s.last[:], s.last[len(b):])
	copy(s.last[n:], b)
}

// between reports whether an event has ended and no other has begun: the last line is
// empty, whatever ends the lines. After a carriage return half of a line's end may be
// still to come; an empty line more says nothing.
func (s *seam) between() bool {
	if !s.begun {
		return true
	}
	switch string(s.last[1:]) {
	case "\n\n", "\r\r", "\n\r":
		return true
	case "\r\n":
		return s.last[0] == '\n' || s.last[0] == '\r'
	}
	return false
}

// keepAlive keeps an answer alive that is a stream of events. Its status is the upstream's and
// decided, so nothing need be waited for but the silence.
func (p *Pass) keepAlive(x *exchange, resp *upstream.Response) {
	d := p.Dialect
	switch {
	case d == nil:
		d = openaichat.Dialect{}
	case strings.Contains(p.url.Path, "/publishers/anthropic/"): // of Vertex AI
		d = anthropic.Dialect{}
	}
	keepPassing(x, resp, p.config, d)
}

// keepPassing prepares to watch bytes that pass, when they are events.
func keepPassing(x *exchange, resp *upstream.Response, set *config.FairleadSettings, d wire.Dialect) {
	if !upstream.EventStream(resp.Header) || resp.Header.Get("Content-Encoding") != "" {
		return
	}
	k := &x.alive
	k.text, k.seam, k.begun, k.interval = string(d.Stream(&llm.Request{}, wire.Answer{}).Ping(nil)), &seam{}, true, set.PingInterval
}

// watchPassing begins to look for silence; the status has been written.
func (x *exchange) watchPassing() {
	if x.alive.seam != nil {
		x.alive.watch(x.alive.interval, 0, x.lookForSilence)
	}
}

// pass writes bytes of an answer that passes.
func (x *exchange) pass(b []byte) error {
	x.alive.mu.Lock()
	defer x.alive.mu.Unlock()
	if s := x.alive.seam; s != nil {
		s.write(b)
		x.alive.held = !s.between()
	}
	return x.put(b)
}
