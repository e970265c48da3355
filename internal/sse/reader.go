// Package sse reads and writes server-sent events as the WHATWG specification
// has them: any line ending, comments, a byte-order mark, data over several
// lines, with a limit on the size of an event.
package sse

import (
	"bytes"
	"errors"
	"io"
)

// MaxEvent is the default limit on one line and on one event, in bytes.
const MaxEvent = 16 << 20

// initialBuffer is small because a gateway holds thousands of idle streams.
const initialBuffer = 4 << 10

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
}

// NewReader reads events of at most limit bytes from src; limit ≤ 0 means MaxEvent.
func NewReader(src io.Reader, limit int) *Reader {
	if limit <= 0 {
		limit = MaxEvent
	}
	return &Reader{src: src, max: limit}
}

// Next returns the next event that has data. At the end of the stream it
// returns io.EOF; an event that the end cut off after its data is still returned,
// since many servers leave out the last blank line.
func (r *Reader) Next() (Event, error) {
	r.data, r.hasData, r.name = r.data[:0], false, ""
	for {
		line, err := r.line()
		if err == io.EOF && r.hasData {
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
		if r.hasData {
			return Event{r.name, r.data}, nil
		}
		r.name = ""
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

// fill reads more bytes, making room first.
func (r *Reader) fill() error {
	if r.start > 0 {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	if r.end == len(r.buf) {
		if len(r.buf) >= r.max {
			return ErrTooLarge
		}
		grown := make([]byte, min(max(2*len(r.buf), initialBuffer), r.max))
		r.end = copy(grown, r.buf[:r.end])
		r.buf = grown
	}
	for range 100 {
		if r.before != nil {
			if err := r.before(); err != nil {
				return err
			}
		}
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		if err == io.EOF {
			r.eof = true
			return nil
		}
		if n > 0 || err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}
