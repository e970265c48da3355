package server

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// A client that sends or reads too slowly gives way: it holds a connection, memory,
// and while it reads an answer also an upstream that may cost money.
const (
	// bodyIdle is how long a body may pause, bodyTotal how long it may take in all.
	bodyIdle  = 30 * time.Second
	bodyTotal = 10 * time.Minute
	// writeStall is how long a client may take nothing of an answer.
	writeStall = 60 * time.Second
	// rearm is how old a write deadline may get before it is set anew: setting it
	// with every chunk would cost more than the chunk.
	rearm = 15 * time.Second
	// lingerTime and lingerBytes bound what is read of a body after it was refused.
	lingerTime  = 2 * time.Second
	lingerBytes = 64 << 20
)

// slowBody reads a request's body under the deadlines. They are the connection's, so
// they go by the real clock.
type slowBody struct {
	io.ReadCloser
	rc  *http.ResponseController
	end time.Time
	// ended says that the body was read to its end.
	ended bool
	// late says that the body did not come in time.
	late bool
	// stall replaces bodyIdle when it is not 0.
	stall time.Duration
}

// limiter is a writer that keeps the deadlines itself, where they cost nothing while
// nobody waits: package http1's.
type limiter interface {
	Limit(bodyIdle, bodyTotal, writeStall time.Duration)
}

// underDeadlines makes r's body and the writer of its answer give up on a client that
// stalls.
func underDeadlines(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if l, ok := w.(limiter); ok {
		l.Limit(bodyIdle, bodyTotal, writeStall)
		return w
	}
	p := &patient{ResponseWriter: w, rc: http.NewResponseController(w)}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &slowBody{ReadCloser: r.Body, rc: p.rc, end: time.Now().Add(bodyTotal)}
	}
	return p
}

// Read implements io.Reader.
func (b *slowBody) Read(p []byte) (int, error) {
	until := time.Now().Add(cmp.Or(b.stall, bodyIdle))
	if until.After(b.end) {
		until = b.end
	}
	// A writer without deadlines (a test's recorder) reads without them.
	_ = b.rc.SetReadDeadline(until)
	n, err := b.ReadCloser.Read(p)
	b.ended, b.late = err == io.EOF, errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil {
		// From here on net/http watches the connection for a client that leaves.
		_ = b.rc.SetReadDeadline(time.Time{})
	}
	return n, err
}

// unread returns a body of HTTP/1.1 that was not read to its end, or nil. net/http would
// wait for the rest before it sends an answer, for as long as the client likes, unless
// the connection closes after it.
func unread(r *http.Request) *slowBody {
	b, ok := r.Body.(*slowBody)
	if !ok || b.ended || r.ProtoMajor != 1 {
		return nil
	}
	return b
}

// linger reads on for a while after an answer that came early, so that a client which is
// still sending gets to read it: closing at once would reset the connection and lose it.
// The body that a client stopped sending has had its time.
func (b *slowBody) linger() {
	if b == nil || b.late || b.rc.Flush() != nil {
		return
	}
	_ = b.rc.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, b.ReadCloser, lingerBytes) // nothing depends on it
}

// patient is a response writer that gives up on a client that has stopped reading.
type patient struct {
	http.ResponseWriter
	rc    *http.ResponseController
	armed time.Time
	// stall replaces writeStall when it is not 0.
	stall time.Duration
	begun bool
}

// Unwrap lets http.ResponseController reach the connection.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// Begun reports whether the status is decided.
func (p *patient) Begun() bool { return p.begun }

// WriteHeader implements http.ResponseWriter.
func (p *patient) WriteHeader(status int) {
	p.begun = p.begun || status >= http.StatusOK
	p.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (p *patient) Write(b []byte) (int, error) {
	p.begun = true
	p.arm()
	return p.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (p *patient) Flush() {
	p.begun = true
	p.arm()
	// What cannot be flushed shows at the next write.
	_ = p.rc.Flush()
}

func (p *patient) arm() {
	stall := cmp.Or(p.stall, writeStall)
	if now := time.Now(); now.Sub(p.armed) > min(rearm, stall/4) {
		p.armed = now
		_ = p.rc.SetWriteDeadline(now.Add(stall))
	}
}
