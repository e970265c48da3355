package http2

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

func TestHeaderAndBodyOfARequestAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc := dialled(t, answering())
		c := newPool(t).test("up", nc)
		for i := range 3 {
			before := nc.written()
			if text, err := send(t.Context(), c, strings.Repeat("x", 3000)); err != nil || text != "ok" {
				t.Fatalf("%q %v", text, err)
			}
			synctest.Wait()
			if n := nc.written() - before; n != 1 && i > 0 || n > 2 { // the first is followed by the answer to SETTINGS
				t.Errorf("%d writes", n)
			}
			again(t, c)
		}
	})
}

func TestRequestsThatComeDuringAWriteAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := newPool(t).test("up", near)
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		for range 10 {
			go func() { _, _ = send(ctx, c, "{}") }()
			synctest.Wait() // for the write of the first, that nobody reads
			again(t, c)
		}
		p := make([]byte, 64<<10)
		first, _ := far.Read(p)
		second, _ := far.Read(p)
		if n := bytes.Count(p[:second], []byte("{}")); n != 9 {
			t.Errorf("the first write has %d bytes, the second %d requests", first, n)
		}
		far.Close()
		synctest.Wait()
	})
}

func TestRequestIsWrittenAsHTTP2HasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := answering()
		c := to(t, p)
		q := request("{}")
		q.URL.Host = "up:"
		for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "TE", "Transfer-Encoding", "Trailer", "host", "Content-Length"} {
			q.Header[name] = []string{"9"}
		}
		q.Header["X-Two"] = []string{"a", "b"}
		q.Rest = [][]byte{[]byte("[]"), nil, []byte("x")}
		if text, err := call(t.Context(), c, q); err != nil || text != "ok" {
			t.Fatalf("%q %v", text, err)
		}
		want := map[string]string{
			":method": "POST", ":scheme": "https", ":authority": "up", ":path": "/v1/x?a=b", "content-length": "5",
			"authorization": "Bearer k", "content-type": "application/json", "x-two": "a",
		}
		for name, value := range want {
			if got := p.said(name); got != value {
				t.Errorf("%s: %q", name, got)
			}
		}
		if n := len(p.fields); n != len(want)+1 || string(p.body) != "{}[]x" {
			t.Errorf("%d fields %v, body %q", n, p.fields, p.body)
		}
		get := request("")
		get.Method, get.URL.Path = "GET", ""
		if _, err := call(t.Context(), again(t, c), get); err != nil || p.said("content-length") != "" || p.said(":path") != "/?a=b" {
			t.Errorf("%v %v", err, p.fields)
		}
	})
}

func TestRequestThatCannotBeSentIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := to(t, answering())
		for _, change := range []func(q *http1.Request){
			func(q *http1.Request) { q.Method = "PO ST" },
			func(q *http1.Request) { q.URL.RawQuery = "a b" },
			func(q *http1.Request) { q.Header["X A"] = []string{"b"} },
			func(q *http1.Request) { q.Header["X-A"] = []string{"b\r\nc: d"} },
		} {
			q := request("{}")
			change(q)
			var field *http1.FieldError
			if _, err := call(t.Context(), c, q); !errors.As(err, &field) {
				t.Error(err)
			}
			again(t, c)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := send(gone, c, "{}"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if c.reserved != 0 || len(c.streams) != 0 || c.nextID != 1 {
			t.Errorf("%d reserved, %d open", c.reserved, len(c.streams))
		}
		if text, err := send(t.Context(), again(t, c), "{}"); err != nil || text != "ok" {
			t.Errorf("%q %v", text, err)
		}
	})
}

func TestLargeHeaderGoesOnInMoreFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := answering()
		c := to(t, p)
		q := request("{}")
		q.Header["X-Large"] = []string{strings.Repeat("~", 40<<10)}
		if text, err := call(t.Context(), c, q); err != nil || text != "ok" || p.said("x-large") != q.Header["X-Large"][0] {
			t.Errorf("%q %v", text, err)
		}
	})
}

func TestWhatComesAgainIsNotWrittenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc := dialled(t, answering())
		c := newPool(t).test("up", nc)
		var sizes []int
		for range 3 {
			if _, err := send(t.Context(), c, "{}"); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			sizes = append(sizes, len(nc.writes[len(nc.writes)-1]))
			again(t, c)
		}
		if last := sizes[2]; last > 60 {
			t.Errorf("a request takes %d bytes", last)
		}
	})
}

func TestTableOfTheUpstreamIsRespected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := answering()
		c := to(t, p)
		for _, size := range []uint32{0, 100, 1 << 20} {
			if text, err := send(t.Context(), c, "{}"); err != nil || text != "ok" || p.said("authorization") != "Bearer k" {
				t.Fatalf("%q %v", text, err)
			}
			p.do(func() { _ = p.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: size}) })
			if got := c.enc.MaxDynamicTableSize(); got != min(size, maxTable) {
				t.Errorf("%d: a table of %d", size, got)
			}
			again(t, c)
		}
	})
}

// TestBodyKeepsToTheWindows has the upstream open them bit by bit.
func TestBodyKeepsToTheWindows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := strings.Repeat("0123456789", 20000)
		p := &peer{window: 100, end: (*peer).answer}
		c := to(t, p)
		synctest.Wait()
		result := make(chan error, 1)
		go func() { _, err := send(t.Context(), c, body); result <- err }()
		arrived := func(want int) {
			t.Helper()
			synctest.Wait()
			if len(p.body) != want {
				t.Errorf("%d bytes arrived, want %d", len(p.body), want)
			}
		}
		arrived(100)
		p.do(func() { _ = p.WriteWindowUpdate(1, 50) })
		arrived(150)
		p.do(func() { _ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 300}) })
		arrived(350)
		p.do(func() { _ = p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 100}) }) // now it is negative
		p.do(func() { _ = p.WriteWindowUpdate(1, 150) })
		arrived(350)
		p.do(func() { _ = p.WriteWindowUpdate(1, 100) })
		arrived(400)
		p.do(func() { _ = p.WriteWindowUpdate(1, wide) })
		arrived(1<<16 - 1) // the connection's
		p.do(func() { _ = p.WriteWindowUpdate(0, wide) })
		if err := <-result; err != nil || string(p.body) != body {
			t.Errorf("%v, %d bytes", err, len(p.body))
		}
	})
}

func TestLargeBodiesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []uint32
		p := &peer{window: wide, frame: func(p *peer, f http2.Frame) bool {
			if d, ok := f.(*http2.DataFrame); ok {
				order = append(order, d.StreamID)
			}
			return true
		}, end: (*peer).answer}
		c := to(t, p)
		if _, err := send(t.Context(), c, "{}"); err != nil { // and their settings are there
			t.Fatal(err)
		}
		result := make(chan error, 2)
		for range 2 {
			again(t, c)
			go func() { _, err := send(t.Context(), c, strings.Repeat("x", 100<<10)); result <- err }()
			synctest.Wait()
		}
		p.do(func() { order = order[:0] })
		p.do(func() { _ = p.WriteWindowUpdate(0, wide) })
		if err := errors.Join(<-result, <-result); err != nil {
			t.Fatal(err)
		}
		turns := 0
		for i := range order[1:] {
			if order[i] != order[i+1] {
				turns++
			}
		}
		if turns < 3 {
			t.Errorf("%v", order)
		}
	})
}

func TestClientThatLeavesEndsItsStreamAlone(t *testing.T) {
	for name, window := range map[string]uint32{"while the upstream thinks": wide, "while there is no window": 0, "while the body is sent": 100} {
		synctest.Test(t, func(t *testing.T) {
			reset := make(chan uint32, 10)
			c := to(t, &peer{window: window, end: func(p *peer, id uint32) bool { return true }, frame: func(p *peer, f http2.Frame) bool {
				if f, ok := f.(*http2.RSTStreamFrame); ok {
					reset <- f.StreamID
				}
				return true
			}, header: func(p *peer, id uint32) bool { return id == 1 || p.head(id, true, ":status", "200") }})
			synctest.Wait()
			ctx, leave := context.WithTimeout(t.Context(), time.Second)
			defer leave()
			began := time.Now()
			if _, err := send(ctx, c, strings.Repeat("x", 1000)); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(name, err)
			}
			if id := <-reset; id != 1 || time.Since(began) != time.Second {
				t.Errorf("%s: stream %d, after %v", name, id, time.Since(began))
			}
			if text, err := send(t.Context(), again(t, c), ""); err != nil || text != "" {
				t.Errorf("%s: %q %v", name, text, err)
			}
		})
	}
}

func TestAnswerThatComesBeforeTheRequestIsWholeIsRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []http2.ErrCode
		p := &peer{window: 100, end: (*peer).answer, frame: func(p *peer, f http2.Frame) bool {
			if f, ok := f.(*http2.RSTStreamFrame); ok {
				ended = append(ended, f.ErrCode)
			}
			return true
		}}
		p.header = func(p *peer, id uint32) bool {
			return id > 1 || p.head(id, false, ":status", "413") && p.WriteData(id, true, []byte("ok")) == nil && p.WriteRSTStream(id, http2.ErrCodeNo) == nil
		}
		c := to(t, p)
		synctest.Wait()
		if text, err := send(t.Context(), c, strings.Repeat("x", 1000)); err != nil || text != "ok" {
			t.Errorf("%q %v", text, err)
		}
		if text, err := send(t.Context(), again(t, c), "{}"); err != nil || text != "ok" {
			t.Errorf("%q %v", text, err)
		}
		synctest.Wait()
		if len(ended) != 1 || ended[0] != http2.ErrCodeCancel {
			t.Errorf("the upstream hears %v", ended)
		}
	})
}

// TestUpstreamThatDoesNotReadHoldsNobodyUp has nothing read at the other end.
func TestUpstreamThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		pool := NewPool(Options{IdleTimeout: time.Minute, PingAfter: time.Minute / 2, MaxHeaderBytes: 1 << 10})
		c := pool.test("up", near)
		began := time.Now()
		for i := range 3 {
			q := request(strings.Repeat("x", 300<<10))
			q.Limits.Header = time.Second
			var late *http1.TimeoutError
			if _, err := call(t.Context(), c, q); !errors.As(err, &late) {
				t.Errorf("%d: %v", i, err)
			}
			if took := time.Since(began); took != time.Second {
				t.Errorf("%d: %v", i, took)
			}
			began = time.Now()
			again(t, c)
		}
		if _, err := send(t.Context(), c, "{}"); !Unseen(err) {
			t.Errorf("a request of which nothing was written: %v", err)
		}
		if !c.ended() {
			t.Error("the connection is kept")
		}
		far.Close()
	})
}

func TestConnectionThatCannotBeWrittenToTakesNoMoreStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		pool := NewPool(Options{IdleTimeout: time.Hour, PingAfter: time.Minute, MaxHeaderBytes: 1 << 10})
		c := pool.test("up", near)
		go func() { _, _ = send(t.Context(), c, "{}") }()
		synctest.Wait()
		fr := http2.NewFramer(far, nil)
		if err := fr.WriteSettings(); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(30 * time.Second)
			_ = fr.WriteWindowUpdate(0, 1) // it is not silent
			synctest.Wait()
		}
		if c.ended() || c.reserve() {
			t.Error("it takes streams, or has ended its own")
		}
		far.Close()
		synctest.Wait()
	})
}

func TestNobodyWritesForOthersForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := bare(t)
		const rounds = 100
		written := 0
		c.spill.now = func(p []byte) (int, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if written++; written < rounds {
				c.ping()
			}
			return len(p), nil
		}
		c.mu.Lock()
		c.flush(false)
		own := written
		c.mu.Unlock()
		synctest.Wait()
		if own > maxRounds || written != rounds {
			t.Errorf("%d of %d writes", own, written)
		}
		far.Close()
	})
}

func TestBufferOfARequestIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := to(t, answering())
		if _, err := send(t.Context(), c, strings.Repeat("x", 200)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if c.pending != nil || c.frames.end != 0 || len(*c.frames.block) != smallRead {
			t.Errorf("%v, %d bytes to read into", c.pending, len(*c.frames.block))
		}
	})
}

func TestSpillKeepsWhatIsNotTaken(t *testing.T) {
	var out, slow bytes.Buffer
	room := 3
	s := &spill{slow: &slow, now: func(p []byte) (int, error) {
		n := min(room, len(p))
		room -= n
		return out.Write(p[:n])
	}}
	for _, p := range []string{"ab", "cde", "fg"} {
		if n, err := s.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if !s.full() {
		t.Error("it took all")
	}
	if err := s.drain(); err != nil || out.String() != "abc" || slow.String() != "defg" || s.full() {
		t.Errorf("%v %q %q", err, out.String(), slow.String())
	}
	room = 1
	if _, err := s.Write([]byte("h")); err != nil || out.String() != "abch" {
		t.Errorf("%v %q", err, out.String())
	}
}

func TestSpillThatFailsTakesNoMore(t *testing.T) {
	s := &spill{now: func([]byte) (int, error) { return 0, io.ErrShortWrite }}
	for range 2 {
		if _, err := s.Write([]byte("x")); err != io.ErrShortWrite {
			t.Error(err)
		}
	}
	near, far := net.Pipe()
	far.Close()
	s = &spill{now: nothingNow, slow: near}
	_, _ = s.Write([]byte("x"))
	if err := s.drain(); err != io.ErrClosedPipe {
		t.Error(err)
	}
	if _, err := s.Write([]byte("x")); err != io.ErrClosedPipe {
		t.Error(err)
	}
}
