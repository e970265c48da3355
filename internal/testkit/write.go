package testkit

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// writer sends one answer of the model, with what goes wrong in it.
type writer struct {
	w     http.ResponseWriter
	in    *incoming
	fault Fault
	sent  int
}

func (o *writer) whole(body string, header map[string]string) {
	o.head("application/json", header)
	o.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if o.fault.kind == comments {
		body = "\n\n\n" + body
		o.w.Header().Del("Content-Length")
	}
	if o.fault.kind == cutEvents || o.fault.kind == pauseEvents || o.fault.kind == endEvents {
		o.flush()
		o.before(o.fault.n)
	}
	o.put(body)
}

func (o *writer) stream(frames []frame, header map[string]string) {
	if o.fault.n < 0 {
		o.fault.n = max(0, len(frames)+o.fault.n)
	}
	o.head("text/event-stream; charset=utf-8", header)
	o.flush()
	if o.fault.kind == hugeLine {
		o.put(": " + strings.Repeat("x", o.fault.n) + "\n\n")
	}
	for i, fr := range frames {
		if !o.before(i) {
			return
		}
		if o.fault.kind == comments {
			o.put(": keep-alive\n\n")
		}
		o.put(fr.text())
	}
	o.before(len(frames))
}

// before does what goes wrong before event i; false ends the stream.
func (o *writer) before(i int) bool {
	if o.fault.n != i {
		return true
	}
	switch o.fault.kind {
	case cutEvents:
		panic(http.ErrAbortHandler)
	case endEvents:
		return false
	case errorEvent:
		o.put(o.in.family.failureFrame(o.in.family.canned(o.fault.status)).text())
		return false
	case pauseEvents:
		return o.in.fake.held(o.in, o.fault.pause)
	}
	return true
}

func (o *writer) head(contentType string, header map[string]string) {
	o.w.Header().Set("Content-Type", contentType)
	o.w.Header().Set("X-Request-Id", "req_fake_0001")
	setAll(o.w.Header(), header)
}

// put writes and flushes text, byte by byte or cut off when the fault says so.
func (o *writer) put(s string) {
	switch {
	case o.fault.kind == splitBytes:
		for i := range len(s) {
			o.write(s[i : i+1])
		}
	case o.fault.kind == cutBytes && o.sent+len(s) >= o.fault.n:
		o.write(s[:o.fault.n-o.sent])
		panic(http.ErrAbortHandler)
	default:
		o.write(s)
	}
}

func (o *writer) write(s string) {
	io.WriteString(o.w, s) //nolint:errcheck // a client that left is no failure of the fake
	o.sent += len(s)
	o.flush()
}

func (o *writer) flush() {
	if fl, ok := o.w.(http.Flusher); ok {
		fl.Flush()
	}
}
