package http2

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// spoken are frames, for a corpus to begin with.
func spoken(write func(fr *http2.Framer, header func(fields ...string) []byte)) []byte {
	var out, block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	fr := http2.NewFramer(&out, nil)
	fr.AllowIllegalWrites = true
	_ = fr.WriteSettings()
	write(fr, func(fields ...string) []byte {
		block.Reset()
		for i := 0; i < len(fields); i += 2 {
			_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		return bytes.Clone(block.Bytes())
	})
	return out.Bytes()
}

// FuzzUpstream has an upstream say anything. Two calls end in time, an end that is none
// is none, and nothing is left.
func FuzzUpstream(f *testing.F) {
	header := func(fr *http2.Framer, id uint32, block []byte, last bool) {
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true, EndStream: last})
	}
	f.Add([]byte{}, uint16(3))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"), uint16(9))
	f.Add(spoken(func(fr *http2.Framer, block func(...string) []byte) {
		header(fr, 1, block(":status", "200", "content-length", "2"), false)
		_ = fr.WriteDataPadded(1, true, []byte("ok"), make([]byte, 9))
		header(fr, 3, block(":status", "200"), false)
		_ = fr.WriteData(3, false, []byte("o"))
		header(fr, 3, block("x-sum", "1"), true)
	}), uint16(20))
	f.Add(spoken(func(fr *http2.Framer, block func(...string) []byte) {
		_ = fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0}, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		_ = fr.WriteWindowUpdate(1, 5)
		_ = fr.WritePing(false, [8]byte{1})
		header(fr, 1, block(":status", "103"), false)
		_ = fr.WriteRSTStream(1, http2.ErrCodeRefusedStream)
		_ = fr.WriteGoAway(1, http2.ErrCodeNo, []byte("bye"))
	}), uint16(7))
	f.Add(spoken(func(fr *http2.Framer, block func(...string) []byte) {
		_ = fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block(":status", "200")})
		_ = fr.WriteContinuation(1, true, block("a", "b"))
		_ = fr.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, BlockFragment: block(":path", "/"), EndHeaders: true})
	}), uint16(1000))
	f.Fuzz(func(t *testing.T, said []byte, piece uint16) {
		synctest.Test(t, func(t *testing.T) { converse(t, said, int(piece)+1) })
	})
}

// converse makes two calls of an upstream that says this, in pieces, and then nothing.
func converse(t *testing.T, said []byte, piece int) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	pool := NewPool(Options{IdleTimeout: time.Minute, PingAfter: time.Minute, MaxHeaderBytes: 8 << 10})
	c := pool.test("up", near)
	c.reserve()
	done := make(chan bool)
	for range 2 {
		go func() { fuzzed(t, c); done <- true }()
	}
	synctest.Wait()
	for len(said) > 0 {
		n := min(piece, len(said))
		if _, err := far.Write(said[:n]); err != nil {
			break
		}
		said = said[n:]
	}
	<-done
	<-done
	if c.mu.Lock(); len(c.streams) > 2 || c.reserved != 0 || len(c.names) > maxNames || cap(c.block.fields) > 2*maxFields {
		t.Errorf("%d streams, %d reserved", len(c.streams), c.reserved)
	}
	c.mu.Unlock()
	far.Close()
	pool.CloseIdle()
}

func fuzzed(t *testing.T, c *Conn) {
	q := request("{}")
	q.Body = make([]byte, 70<<10)
	q.Limits = http1.Limits{Header: 5 * time.Second, Idle: 5 * time.Second, Total: 10 * time.Second}
	a := &Response{}
	err := c.Do(context.Background(), q, a)
	if err == io.EOF || err == nil && (a.Status < 200 || a.Header == nil) {
		t.Errorf("%v, status %d", err, a.Status)
	}
	if err != nil {
		return
	}
	n, err := io.Copy(io.Discard, a)
	if err == nil && a.Length >= 0 && n != a.Length {
		t.Errorf("%d bytes of %d are a whole answer", n, a.Length)
	}
	a.Close()
}
