package obs

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// asyncLines bounds the log lines that wait for a slow reader.
const asyncLines = 4096

// gather is how long after a write the next one waits for more lines, so that a busy
// gateway pays neither a system call nor a wake-up a request: with 5 ms, a twentieth of
// the CPU at 1,000 requests a second was the log's. A line that comes alone is written at
// once, while everything is awake.
const gather = 50 * time.Millisecond

// Async is a writer that never blocks its caller: a terminal that was stopped or
// a full pipe must not stop requests. Lines past the bound are dropped, and a
// line says how many.
type Async struct {
	w       io.Writer
	lines   chan []byte
	crowded chan struct{} // says that a quarter of the room is taken
	done    chan struct{}
	closing chan struct{}
	dropped atomic.Int64
	once    sync.Once
}

// NewAsync starts the writing goroutine; Close ends it.
func NewAsync(w io.Writer) *Async {
	a := &Async{w: w, lines: make(chan []byte, asyncLines), crowded: make(chan struct{}, 1), done: make(chan struct{}), closing: make(chan struct{})}
	go a.run()
	return a
}

// Write queues a copy of p. It never fails; after Close the line is lost.
func (a *Async) Write(p []byte) (int, error) {
	a.take(bytes.Clone(p))
	return len(p), nil
}

// take is Write for a line that is handed over.
func (a *Async) take(line []byte) {
	select {
	case a.lines <- line:
	default:
		a.dropped.Add(1)
	}
	if len(a.lines) < asyncLines/4 {
		return
	}
	select {
	case a.crowded <- struct{}{}:
	default:
	}
}

// Close writes what is queued, for at most a second, and ends the goroutine. A
// handler may still be writing: the queue itself is never closed.
func (a *Async) Close() error {
	a.once.Do(func() { close(a.closing) })
	select {
	case <-a.done:
	case <-time.After(time.Second):
	}
	return nil
}

func (a *Async) run() {
	defer close(a.done)
	var buf []byte
	var last time.Time // of the writes
	for {
		select {
		case line := <-a.lines:
			if len(buf) < batchSize { // else more may be there than fitted in
				a.gather(gather - time.Since(last))
			}
			buf = append(buf[:0], line...)
		case <-a.closing:
			buf = buf[:0]
		}
		if buf = a.batch(buf); len(buf) == 0 {
			return // closing, and nothing is left
		}
		// There is nobody to tell when the log itself cannot be written.
		_, _ = a.w.Write(buf)
		last = time.Now()
	}
}

// gather waits for more lines.
func (a *Async) gather(wait time.Duration) {
	if wait <= 0 {
		return
	}
	select {
	case <-a.closing:
	case <-a.crowded:
	case <-time.After(wait):
	}
}

// batchSize is about how much is written at once.
const batchSize = 32 << 10

// batch adds the lines that have already arrived, for one write call, and says
// how many were dropped.
func (a *Async) batch(buf []byte) []byte {
	for more := true; more && len(buf) < batchSize; {
		select {
		case line := <-a.lines:
			buf = append(buf, line...)
		default:
			more = false
		}
	}
	if n := a.dropped.Swap(0); n > 0 {
		buf = append(buf, "log: the reader is too slow, lines dropped: "...)
		buf = append(strconv.AppendInt(buf, n, 10), '\n')
	}
	return buf
}
