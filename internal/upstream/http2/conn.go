package http2

import (
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2/hpack"
)

const (
	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	// streamWindow bounds what an upstream may send of an answer that nobody reads.
	streamWindow = 256 << 10
	// connWindow is what it may send of all answers until it hears that it arrived: one
	// that nobody reads does not hold up the others.
	connWindow = 16 << 20
	// firstWindow is what either side may send before it knows better (RFC 9113,
	// section 6.9.2), firstStreams how many streams are opened before.
	firstWindow  = 1<<16 - 1
	firstStreams = 100
	maxWindow    = 1<<31 - 1
	maxStreamID  = 1<<31 - 1
	// maxPending bounds what waits to be written of the bodies of requests; it is
	// four records of TLS.
	maxPending = 64 << 10
	// farewell is how long the last word may take.
	farewell = 250 * time.Millisecond
	// maxControl bounds the answers to PING and SETTINGS that wait to be written.
	maxControl = 1000
	// maxTable is the size of the tables of header compression, on both sides.
	maxTable = 4 << 10
)

// Conn is a connection, for the calls of [Conn.Do] that [Pool.Take] and [Pool.Add]
// reserve.
//
// One goroutine reads. Whoever has something to send writes it himself, with what
// others have to send at that moment. One timer serves the limits of all calls.
type Conn struct {
	nc      net.Conn
	out     io.Writer // the way through TLS, if any, to spill
	spill   *spill
	options *Options

	// What follows is the reader's.
	frames frames
	dec    *hpack.Decoder
	block  block
	names  map[string]string // as http.Header has them, of the names of answers

	mu       sync.Mutex
	err      error // why the connection ended
	streams  map[uint32]*Response
	reserved int
	nextID   uint32
	// leaving says that no more streams are reserved, and that the end of the last is
	// that of the connection; away, that the upstream takes no more.
	leaving, away bool
	greeted       bool // the upstream's SETTINGS are here
	last          uint32
	parting       error // of a GOAWAY that was no friendly one

	// What the upstream allows.
	maxStreams   uint32
	streamWindow int64 // of a new stream
	sendWindow   int64
	// received is what arrived and has not been credited.
	received int64

	enc     *hpack.Encoder
	encoded []byte            // where enc writes
	lower   map[string]string // names of requests as HTTP/2 has them
	target  string            // of the latest request

	pending *output // nil for nothing
	batch   uint64  // counts what was taken out of pending
	control int     // answers in pending to what the upstream asked
	senders []*Response
	writing bool      // somebody writes, and will write what is pending
	stuck   time.Time // since when the system takes nothing, zero for not

	timer *time.Timer
	due   time.Time // when the timer fires
	heard time.Time // when something arrived
	used  time.Time // when a stream was open
	// pinged is when the PING was sent that is not answered, zero for none.
	pinged time.Time
	// resets counts the streams that were ended here and that the upstream may still
	// count; they are forgotten when it answers a PING, which is sent along with the
	// first unless it said nothing else since the last one (asked).
	resets int
	asked  bool
}

// newConn speaks on a connection; what is written to out comes to the spill.
func newConn(nc net.Conn, out io.Writer, s *spill, o *Options) *Conn {
	now := time.Now()
	c := &Conn{
		nc: nc, out: out, spill: s, options: o,
		names: map[string]string{}, lower: map[string]string{}, streams: map[uint32]*Response{},
		nextID: 1, last: maxStreamID, maxStreams: firstStreams, streamWindow: firstWindow, sendWindow: firstWindow,
		heard: now, used: now,
	}
	c.frames.from = c.nc
	c.frames.heard = c.hear
	c.dec = hpack.NewDecoder(maxTable, c.field)
	c.dec.SetMaxStringLength(o.MaxHeaderBytes)
	c.enc = hpack.NewEncoder((*encoded)(&c.encoded))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.greet()
	c.due = now.Add(min(o.IdleTimeout, o.PingAfter))
	c.timer = time.AfterFunc(time.Until(c.due), c.tick)
	go c.run()
	return c
}

// greet begins what is written; it goes out with the first request.
func (c *Conn) greet() {
	settings := [][2]uint32{{settingPush, 0}, {settingWindow, streamWindow}, {settingHeaderList, uint32(c.options.MaxHeaderBytes)}}
	b := append(c.output().b, preface...)
	b = appendFrame(b, 6*len(settings), kindSettings, 0, 0)
	for _, s := range settings {
		b = binary.BigEndian.AppendUint16(b, uint16(s[0]))
		b = binary.BigEndian.AppendUint32(b, s[1])
	}
	c.pending.b = appendNumber(b, kindWindowUpdate, 0, connWindow-firstWindow)
}

// reserve promises a stream to a caller, if one may be opened.
func (c *Conn) reserve() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leaving || !c.usable() || len(c.streams)+c.reserved+c.resets >= int(c.maxStreams) {
		return false
	}
	c.reserved++
	return true
}

// usable reports whether streams may be opened.
func (c *Conn) usable() bool { return c.err == nil && !c.away && c.nextID <= maxStreamID }

func (c *Conn) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err != nil
}

// leave closes the connection when nobody uses it any more.
func (c *Conn) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leaving = true
	c.rest()
}

// rest looks after a connection that has one stream less.
func (c *Conn) rest() {
	if len(c.streams) > 0 || c.reserved > 0 {
		return
	}
	c.used = time.Now()
	c.arm(c.used.Add(c.options.IdleTimeout))
	if c.leaving || c.nextID > maxStreamID {
		c.end(errUnused)
	}
}

// remove forgets a stream.
func (c *Conn) remove(a *Response) {
	delete(c.streams, a.id)
	if a.queued {
		c.senders = slices.DeleteFunc(c.senders, func(s *Response) bool { return s == a })
	}
	a.open, a.queued, a.unsent, a.rest, a.left = false, false, nil, nil, 0
	c.rest()
}

// cancel ends a stream on this side: the upstream is told, the caller gets the error.
func (c *Conn) cancel(a *Response, why code, err error) {
	a.fail(err)
	if !a.open {
		return
	}
	c.write(appendNumber(c.output().b, kindReset, a.id, uint32(why)))
	if !c.asked {
		if c.resets == 0 {
			c.ping()
		}
		c.resets++
	}
	c.remove(a)
}

// ping asks the upstream for a sign of life.
func (c *Conn) ping() {
	b := appendFrame(c.output().b, 8, kindPing, 0, 0)
	c.write(append(b, "fairlead"...))
	if c.pinged.IsZero() {
		c.pinged = time.Now()
	}
}

// run reads until the connection ends.
func (c *Conn) run() {
	for {
		f, err := c.frames.next()
		if err = c.handle(f, err); err != nil {
			c.mu.Lock()
			c.end(err)
			c.mu.Unlock()
			return
		}
		if !c.frames.whole() {
			c.settle()
		}
	}
}

// settle writes, before the reader waits, what it owes.
func (c *Conn) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flush(false)
}

// hear notes that something has arrived.
func (c *Conn) hear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = time.Now()
}

// end closes the connection, whose streams fail.
func (c *Conn) end(err error) {
	if c.err != nil {
		return
	}
	if c.parting != nil {
		err = c.parting
	}
	c.err = err
	c.timer.Stop()
	c.part(err)
	for _, a := range c.streams {
		a.open, a.unsent, a.rest = false, nil, nil
		if a.batch == c.batch {
			a.fail(errUnseen)
			continue
		}
		a.fail(reason(err))
	}
	clear(c.streams)
	c.senders, c.pending = nil, nil
}

// part closes the connection. An upstream that broke a rule hears so before, if it
// takes that within a moment.
func (c *Conn) part(err error) {
	v, ok := err.(*violation)
	if ok {
		_ = c.nc.SetWriteDeadline(time.Now().Add(farewell))
		b := appendFrame(nil, 8, kindGoAway, 0, 0)
		b = binary.BigEndian.AppendUint32(b, 0)
		_, _ = c.out.Write(binary.BigEndian.AppendUint32(b, uint32(v.code)))
	}
	switch {
	case !ok || !c.spill.full():
		_ = c.nc.Close()
	case c.stuck.IsZero():
		go c.drain()
	}
}

// reason is what the end of the connection is for its calls.
func reason(err error) error {
	if v, ok := err.(*violation); ok {
		return malformed(v.what)
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
