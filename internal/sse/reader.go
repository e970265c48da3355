// Package sse reads and writes server-sent events as the WHATWG specification
// has them: any line ending, comments, a byte-order mark, data over several
// lines, with a limit on the size of an event.
package sse

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

// MaxEvent is the default limit on one line and on one event, in bytes.
const MaxEvent = 16 << 20

// initialBuffer is small because a gateway holds thousands of streams.
const initialBuffer = 4 << 10

// blocks are buffers of streams that wait for nothing: a stream that waits, as most
// do, holds none when its source can wait without.
var blocks = sync.Pool{New: func() any { return new([initialBuffer]byte) }}

// Waiter is a source that can wait for bytes without a buffer to put them into.
type Waiter interface {
	// Wait returns when Read would not have to wait. An error ends the stream.
	Wait() error
}

// ErrTooLarge says that a line or an event is larger than the limit.
var ErrTooLarge = errors.New("the stream holds an event larger than the limit")

// Event is one event of a stream. Its bytes are valid until the next call of Next.
type Event struct {
	Name string // the event field, "" for the default
	Data []byte // the data lines, joined with \n
}

// Reader takes a byte stream apart into events. It is not safe for concurrent use.
type Reader struct {
	src        io.Reader
	waiter     Waiter // src, when it is one
	block      *[initialBuffer]byte
	before     func() error
	buf        []byte
	start, end int
	max        int
	skipLF     bool
	begun      bool
	data       []byte
	hasData    bool
	name       string
	eof        bool
	failed     error // of the source, told when what came with it is read
}

// NewReader reads events of at most limit bytes from src; limit ≤ 0 means MaxEvent.
func NewReader(src io.Reader, limit int) *Reader {
	if limit <= 0 {
		limit = MaxEvent
	}
	w, _ := src.(Waiter)
	return &Reader{src: src, waiter: w, max: limit}
}

// Next returns the next event that has data; one whose data is empty says nothing in
// any format, some proxies send it as a keepalive, and it is passed over. At the end of
// the stream Next returns io.EOF; an event that the end cut off after its data is still returned,
// since many servers leave out the last blank line.
func (r *Reader) Next() (Event, error) {
	r.data, r.hasData, r.name = r.data[:0], false, ""
	for {
		line, err := r.line()
		if err == io.EOF && len(r.data) > 0 {
			return Event{r.name, r.data}, nil
		}
		if err != nil {
			return Event{}, err
		}
		if len(line) > 0 {
			if err := r.field(line); err != nil {
				return Event{}, err
			}
			continue
		}
		if len(r.data) > 0 {
			return Event{r.name, r.data}, nil
		}
		r.name, r.hasData = "", false
	}
}

// BeforeRead sets what is called before every read from the source, which may take
// long: a writer flushes there what it held back. Its error ends the stream.
func (r *Reader) BeforeRead(f func() error) { r.before = f }

func (r *Reader) field(line []byte) error {
	key, value, _ := bytes.Cut(line, []byte{':'})
	value = bytes.TrimPrefix(value, []byte{' '})
	switch string(key) {
	case "data":
		if len(r.data)+len(value) >= r.max {
			return ErrTooLarge
		}
		if r.hasData {
			r.data = append(r.data, '\n')
		}
		r.data, r.hasData = append(r.data, value...), true
	case "event":
		r.name = string(value)
	}
	return nil // comments (an empty key), id, retry and unknown fields do not matter here
}

// line returns the next line without its ending.
func (r *Reader) line() ([]byte, error) {
	scanned := 0
	for {
		if r.skipLF && r.start < r.end {
			if r.buf[r.start] == '\n' {
				r.start++
			}
			r.skipLF = false
		}
		if n := endOfLine(r.buf[r.start+scanned : r.end]); n >= 0 {
			return r.take(scanned + n), nil
		}
		scanned = r.end - r.start
		if r.eof {
			return r.last()
		}
		if err := r.fill(); err != nil {
			return nil, err
		}
	}
}

// take consumes n bytes and the line ending after them.
func (r *Reader) take(n int) []byte {
	line := r.buf[r.start : r.start+n]
	r.skipLF = r.buf[r.start+n] == '\r'
	r.start += n + 1
	return r.withoutMark(line)
}

func (r *Reader) last() ([]byte, error) {
	if r.start == r.end {
		return nil, io.EOF
	}
	line := r.buf[r.start:r.end]
	r.start = r.end
	return r.withoutMark(line), nil
}

func (r *Reader) withoutMark(line []byte) []byte {
	if !r.begun {
		r.begun = true
		line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	}
	return line
}

func endOfLine(b []byte) int {
	n := bytes.IndexByte(b, '\n')
	if n >= 0 {
		b = b[:n]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return n
}

// fill reads more bytes, making room first. What comes together with an error is
// read before the error counts.
func (r *Reader) fill() error {
	if r.failed != nil {
		return r.failed
	}
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for range 100 {
		if err := r.await(); err != nil {
			return err
		}
		if err := r.room(); err != nil {
			return err
		}
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if err == io.EOF {
			r.eof = true
			return nil
		}
		if n > 0 {
			r.failed = err
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// await lets the writer write, and waits without a buffer where that can be.
func (r *Reader) await() error {
	if r.before != nil {
		if err := r.before(); err != nil {
			return err
		}
	}
	if r.waiter == nil || r.end > 0 {
		return nil
	}
	r.replace(nil)
	return r.waiter.Wait()
}

// room makes the buffer, or makes it larger when it is full.
func (r *Reader) room() error {
	switch {
	case r.end < len(r.buf):
		return nil
	case len(r.buf) >= r.max:
		return ErrTooLarge
	case r.buf == nil:
		r.block = blocks.Get().(*[initialBuffer]byte)
		r.buf = r.block[:min(initialBuffer, r.max)]
		return nil
	}
	grown := make([]byte, min(2*len(r.buf), r.max))
	copy(grown, r.buf)
	r.replace(grown)
	return nil
}

// replace gives the block back, when the buffer is one.
func (r *Reader) replace(buf []byte) {
	if r.block != nil {
		blocks.Put(r.block)
	}
	r.block, r.buf = nil, buf
}
