package http1

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// small is how much of a body waits for the end of the handler, so that its length
// can be told.
const small = 2 << 10

// usualFields is how many fields an answer of the gateway has: a map that grows to it
// costs more.
const usualFields = 16

// response is the http.ResponseWriter of one request.
//
// What is to be written is in out: the begin of the header, as the handler gave it,
// up to mark, and bytes of the body behind it. commit puts the rest of the header at
// mark, when it is known how the body ends.
type response struct {
	c      *conn
	r      *request
	req    *http.Request
	header http.Header

	block *[blockSize]byte
	out   []byte
	mark  int

	status     int   // 0 until it is decided
	length     int64 // of the body, -1 when the handler has not said
	written    int64 // of the body, by the handler
	connection []string
	trailers   []string // names that the handler has announced
	fields     int      // of the header, when it was decided

	head              bool // answers a HEAD
	committed         bool
	chunked           bool
	closing           bool // the connection ends after this answer
	duplex            bool
	typed, dated      bool // the handler has set these fields, or they must not be
	trailed, lingers  bool
	hijacked, handled atomic.Bool
}

func (w *response) begin(r *request) {
	w.r, w.length = r, -1
	w.head = r.method == http.MethodHead
	w.header = headers.Get().(http.Header)
}

// Header implements http.ResponseWriter.
func (w *response) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter; 1xx but 101 are sent at once, and
// any number of them.
func (w *response) WriteHeader(status int) {
	switch {
	case status < 100 || status > 999:
		panic(fmt.Sprintf("invalid WriteHeader code %v", status))
	case w.hijacked.Load():
		w.complain("WriteHeader on a connection that was taken over")
		return
	case w.status != 0 || w.handled.Load():
		w.complain("superfluous WriteHeader")
		return
	case status < 200 && status != http.StatusSwitchingProtocols:
		w.interim(status)
		return
	}
	w.status = status
	w.obtain()
	w.out = w.appendHandlers(appendStatus(w.out, w.r.old, status))
	w.mark, w.fields = len(w.out), len(w.header)
}

func (w *response) complain(what string) {
	w.c.owner.Log.Debug("a handler breaks a rule: "+what, "path", w.r.url.Path)
}

func (w *response) interim(status int) {
	if w.r.old {
		return // HTTP/1.0 has none
	}
	body := &w.r.body
	body.ask.Lock()
	defer body.ask.Unlock()
	body.expected = body.expected && status != http.StatusContinue
	b := appendFields(appendStatus(nil, false, status), w.header, isFraming)
	_ = w.c.send(append(b, "\r\n"...)) // the answer fails as well
}

func (w *response) obtain() {
	if w.out == nil {
		w.block = blocks.Get().(*[blockSize]byte)
		w.out = w.block[:0]
	}
}

// headers are the maps of answers: to make one costs as much as to fill it.
var headers = sync.Pool{New: func() any { return make(http.Header, usualFields) }}

// freeHeader gives the header back after a handler that came to its end, which must
// not touch it any more.
func (w *response) freeHeader() {
	h := w.header
	if w.header = (http.Header{}); len(h) <= 2*usualFields {
		clear(h)
		headers.Put(h)
	}
}

// free gives the buffer back.
func (w *response) free() {
	if w.block != nil {
		blocks.Put(w.block)
	}
	w.block, w.out, w.mark = nil, nil, 0
}

// bodyAllowed reports whether answers of a status have a body.
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

var errHandled = errors.New("http1: write after the handler's end")

// admit decides whether n bytes of a body may be written.
func (w *response) admit(n int) error {
	if w.hijacked.Load() {
		return http.ErrHijacked
	}
	if w.handled.Load() {
		return errHandled
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if n == 0 {
		return nil
	}
	if !bodyAllowed(w.status) {
		return http.ErrBodyNotAllowed
	}
	if w.written += int64(n); w.length >= 0 && w.written > w.length {
		return http.ErrContentLength
	}
	if !w.committed {
		return nil // nothing was written but by others: see body.proceed
	}
	return w.c.broken
}

// Write implements io.Writer.
func (w *response) Write(p []byte) (int, error) {
	if err := w.admit(len(p)); err != nil || len(p) == 0 {
		return 0, err
	}
	if len(p) <= w.room() {
		w.obtain()
		w.out = append(w.out, p...)
		return len(p), nil
	}
	w.commit(p, false)
	if err := w.push(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *response) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// room is how much more may wait in the buffer.
func (w *response) room() int {
	waits := len(w.out) - w.mark
	if !w.committed && w.length < 0 {
		return small - waits
	}
	return blockSize - framingSize - len(w.out)
}

// Flush implements http.Flusher.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError writes what waits, in one write.
func (w *response) FlushError() error {
	if err := w.admit(0); err != nil {
		return err
	}
	w.commit(nil, false)
	return w.push(nil, false)
}

// finish ends the answer after the handler.
func (w *response) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.handled.Store(true)
	w.commit(nil, true)
	_ = w.push(nil, true) // kept as broken
	switch {
	case w.closing:
		w.lingers = !w.r.body.ended()
	case !w.r.body.rest():
		w.closing, w.lingers = true, true
	}
	w.r.body.over()
	w.c.silence()
	w.free()
	w.freeHeader()
}

// abandon ends an answer that must not look whole.
func (w *response) abandon() {
	w.handled.Store(true)
	w.r.body.over()
	w.c.silence()
	w.free()
}

// after says whether the connection can be used again.
func (w *response) after() then {
	switch {
	case w.c.broken != nil:
		return thenClose
	case w.lingers:
		return thenLinger
	case w.closing || w.length >= 0 && w.written != w.length && !w.head && bodyAllowed(w.status):
		return thenClose
	case w.c.owner.closing.Load():
		return thenClose
	}
	return thenNext
}

// push writes what waits and extra behind it. Small pieces become one; a large one
// is not copied.
func (w *response) push(extra []byte, last bool) error {
	if w.head { // its body is not sent
		w.out, extra = w.out[:w.mark], nil
	}
	n := len(w.out) - w.mark + len(extra)
	var tail []byte
	if w.chunked {
		if n > 0 {
			w.obtain()
			w.insert(appendSize(nil, n))
			tail = lineEnd
		}
		if last {
			tail = w.appendLast(tail[:len(tail):len(tail)])
		}
	}
	if len(w.out)+len(extra)+len(tail) == 0 {
		return nil
	}
	defer w.free()
	if extra == nil {
		w.obtain()
		return w.c.send(append(w.out, tail...))
	}
	return w.c.sendAll(w.out, extra, tail)
}

// insert puts b between the header and the body.
func (w *response) insert(b []byte) {
	waits := len(w.out) - w.mark
	w.out = append(w.out, b...)
	copy(w.out[w.mark+len(b):], w.out[w.mark:w.mark+waits])
	copy(w.out[w.mark:], b)
	w.mark += len(b)
}

// Begun reports whether the status is decided, so that no other answer can be given.
func (w *response) Begun() bool { return w.status != 0 || w.hijacked.Load() }

// Limit makes the connection give up on a client that stalls: idle is how long a
// body may pause, total how long it may take in all, stall how long a client may
// take nothing of the answer. It costs nothing while nobody waits.
func (w *response) Limit(idle, total, stall time.Duration) {
	b := &w.r.body
	b.mu.Lock()
	b.idle, b.total = idle, total
	b.mu.Unlock()
	w.c.stall = stall
}

// SetReadDeadline is for http.ResponseController. It holds until the answer.
func (w *response) SetReadDeadline(t time.Time) error {
	w.c.own.note(true)
	return w.c.nc.SetReadDeadline(t)
}

// SetWriteDeadline is for http.ResponseController. It holds until the answer.
func (w *response) SetWriteDeadline(t time.Time) error {
	w.c.mine.note(true)
	return w.c.nc.SetWriteDeadline(t)
}

// EnableFullDuplex is for http.ResponseController: without it the connection is closed
// after an answer that begins before most of a large body is read.
func (w *response) EnableFullDuplex() error {
	w.duplex = true
	return nil
}

// Hijack implements http.Hijacker: the connection is the caller's, with what was
// read of it already.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	switch {
	case w.handled.Load():
		return nil, nil, errHandled
	case w.hijacked.Load():
		return nil, nil, http.ErrHijacked
	}
	if w.status != 0 {
		w.commit(nil, false)
		if err := w.push(nil, false); err != nil {
			return nil, nil, err
		}
	}
	c := w.c
	w.r.body.over()
	c.silence()
	w.hijacked.Store(true)
	c.watcher.remove(c)
	c.owner.ended(c)
	_ = c.nc.SetDeadline(time.Time{})
	rest := bytes.Clone(c.buffered())
	reader := bufio.NewReader(c.nc)
	if len(rest) > 0 {
		reader = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(rest), c.nc), max(blockSize, len(rest)))
		_, _ = reader.Peek(len(rest)) // now it says that they are buffered
	}
	return c.nc, bufio.NewReadWriter(reader, bufio.NewWriter(c.nc)), nil
}
