package http2

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// begun returns an answer whose header is there.
func begun(t *testing.T, ctx context.Context, c *Conn) *Response {
	t.Helper()
	a := &Response{}
	if err := c.Do(ctx, request("{}"), a); err != nil {
		t.Fatal(err)
	}
	synctest.Wait() // the peer is a test's to use
	return a
}

// TestAnswerThatNobodyReadsIsBoundedAndHoldsNobodyUp has an upstream send as much as
// it may.
func TestAnswerThatNobodyReadsIsBoundedAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 3 * streamWindow
		var credited, sent int
		ready := false
		p := answers((*peer).begin)
		p.frame = func(p *peer, f http2.Frame) bool {
			if f, ok := f.(*http2.WindowUpdateFrame); ok && f.StreamID == 1 {
				credited += int(f.Increment)
			}
			for ; ready && sent < size && streamWindow+credited-sent >= maxFrame; sent += maxFrame {
				if p.WriteData(1, sent+maxFrame == size, make([]byte, maxFrame)) != nil {
					return false
				}
			}
			return true
		}
		c := to(t, p)
		a := begun(t, t.Context(), c)
		p.do(func() { ready = true; p.frame(p, &http2.PingFrame{}) })
		if len(a.buf) != streamWindow || credited != 0 {
			t.Errorf("%d bytes are kept, %d credited", len(a.buf), credited)
		}
		if r := <-start(t, again(t, c)); r.err != nil || r.text != "ok" {
			t.Error(r)
		}
		n, err := io.Copy(io.Discard, a)
		if err != nil || n != size || cap(a.buf) != 0 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

func TestUpstreamThatSendsMoreThanItMayIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []http2.ErrCode
		c := to(t, answers(func(p *peer, id uint32) bool {
			p.begin(id)
			for range streamWindow/maxFrame + 1 {
				_ = p.WriteData(id, false, make([]byte, maxFrame))
			}
			return true
		}).heard(&ended))
		a := begun(t, t.Context(), c)
		synctest.Wait()
		n, err := io.Copy(io.Discard, a)
		synctest.Wait()
		var wrong *http1.ProtocolError
		if !errors.As(err, &wrong) || n != streamWindow || len(ended) != 1 || ended[0] != http2.ErrCodeFlowControl {
			t.Errorf("%d bytes, %v, %v", n, err, ended)
		}
	})
}

// TestPaddingAndDataOfNobodyAreCredited: else the windows would be used up.
func TestPaddingAndDataOfNobodyAreCredited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var connection, stream int
		p := answers((*peer).begin)
		p.frame = func(p *peer, f http2.Frame) bool {
			if f, ok := f.(*http2.WindowUpdateFrame); ok {
				if f.StreamID == 0 {
					connection += int(f.Increment)
				} else {
					stream += int(f.Increment)
				}
			}
			return true
		}
		c := to(t, p)
		a := begun(t, t.Context(), c)
		c.received = 0
		connection = 0
		p.do(func() {
			for range streamWindow / 512 {
				_ = p.WriteDataPadded(1, false, nil, make([]byte, 255))
			}
		})
		if stream < streamWindow/2 || len(a.buf) != 0 {
			t.Errorf("%d of the stream", stream)
		}
		a.Close()
		time.Sleep(time.Second)
		p.do(func() {
			for range connWindow / maxFrame {
				_ = p.WriteData(1, false, make([]byte, maxFrame))
			}
		})
		if connection < connWindow/2 || c.ended() {
			t.Errorf("%d of the connection", connection)
		}
	})
}

func TestBodyIsReadInPieces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := strings.Repeat("0123456789", 3000)
		c := to(t, answers(func(p *peer, id uint32) bool {
			p.begin(id)
			for i := 0; i < len(text); i += 3000 {
				_ = p.WriteData(id, i+3000 == len(text), []byte(text[i:i+3000]))
			}
			return true
		}))
		a := begun(t, t.Context(), c)
		var got bytes.Buffer
		p := make([]byte, 777)
		for {
			if err := a.Wait(); err != nil {
				t.Fatal(err)
			}
			n, err := a.Read(p)
			got.Write(p[:n])
			if err == io.EOF {
				break
			}
			if n0, err0 := a.Read(nil); n0 != 0 || err0 != nil || err != nil || n == 0 {
				t.Fatal(n, err, err0)
			}
		}
		if got.String() != text || a.Wait() != nil || a.block != nil {
			t.Errorf("%d bytes", got.Len())
		}
		a.Close()
		if _, err := a.Read(p); err == nil {
			t.Error("it is read after it was closed")
		}
	})
}

func TestLongBodyWithASlowReaderIsRight(t *testing.T) {
	var a Response
	a.news.L = nil
	var want, got bytes.Buffer
	p := make([]byte, 1000)
	for i := range 200 {
		piece := bytes.Repeat([]byte{byte(i)}, 50*(i%40))
		want.Write(piece)
		a.take(piece)
		n := copy(p[:900], a.buf[a.from:])
		got.Write(p[:n])
		a.from += n
	}
	got.Write(a.buf[a.from:])
	if !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Error("it is another")
	}
	a.drop()
}

func TestReaderThatLeavesEndsTheStreamWhileNobodyReads(t *testing.T) {
	for name, last := range map[string]bool{"of an open answer": false, "of a whole one": true} {
		synctest.Test(t, func(t *testing.T) {
			var ended []http2.ErrCode
			c := to(t, answers(func(p *peer, id uint32) bool {
				return p.begin(id) && p.WriteData(id, last, []byte("o")) == nil
			}).heard(&ended))
			ctx, leave := context.WithCancel(t.Context())
			a := begun(t, ctx, c)
			synctest.Wait()
			leave()
			synctest.Wait()
			if last == (len(ended) == 1) {
				t.Errorf("%s: %v", name, ended)
			}
			if err := a.Wait(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			if n, err := a.Read(make([]byte, 9)); n != 0 || !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %d %v", name, n, err)
			}
			a.Close()
			if r := <-start(t, again(t, c)); r.err != nil {
				t.Errorf("%s: %v", name, r.err)
			}
		})
	}
}

// TestAnswerThatIsClosedEarly: its end is awaited for a moment, since that of a stream
// comes after its last event.
func TestAnswerThatIsClosedEarly(t *testing.T) {
	for name, tc := range map[string]struct {
		wait  bool // for half of the moment
		then  func(p *peer)
		left  bool
		after time.Duration // when the upstream hears of it, -1 for never
	}{
		"and whose end comes":   {true, func(p *peer) { _ = p.WriteData(1, true, nil) }, false, -1},
		"with trailers":         {false, func(p *peer) { p.head(1, true, "x", "y") }, false, -1},
		"and that goes on":      {true, func(p *peer) { _ = p.WriteData(1, false, []byte("x")) }, false, linger / 2},
		"and that is silent":    {false, func(*peer) {}, false, linger},
		"by a client that left": {false, func(*peer) {}, true, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			heard := time.Duration(-1)
			var closed time.Time
			p := answers((*peer).begin)
			p.frame = func(p *peer, f http2.Frame) bool {
				if f, ok := f.(*http2.RSTStreamFrame); ok && f.ErrCode == http2.ErrCodeCancel {
					heard = time.Since(closed)
				}
				return true
			}
			c := to(t, p)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			a := begun(t, ctx, c)
			closed = time.Now()
			if tc.left {
				leave()
			}
			a.Close()
			a.Close()
			if tc.wait {
				time.Sleep(linger / 2)
			}
			p.do(func() { tc.then(p) })
			time.Sleep(time.Second)
			synctest.Wait()
			if heard != tc.after || len(c.streams) != 0 {
				t.Errorf("%s: after %v", name, heard)
			}
			if r := <-start(t, again(t, c)); r.err != nil {
				t.Errorf("%s: %v", name, r.err)
			}
		})
	}
}

func TestAnswerThatIsClosedBeforeItsRequestIsWholeEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []http2.ErrCode
		p := (&peer{window: 10, header: (*peer).begin, end: (*peer).answer}).heard(&ended)
		c := to(t, p)
		synctest.Wait()
		a := &Response{}
		q := request(strings.Repeat("x", 100))
		if err := c.Do(t.Context(), q, a); err != nil {
			t.Fatal(err)
		}
		a.Close()
		clear(q.Body) // it is the caller's again
		p.do(func() { _ = p.WriteWindowUpdate(1, 1000) })
		synctest.Wait()
		if len(ended) != 1 || len(p.body) != 10 {
			t.Errorf("%v, %d bytes arrived", ended, len(p.body))
		}
	})
}

func TestTimeInWhichNobodyReadsDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := to(t, answers(func(p *peer, id uint32) bool {
			p.begin(id)
			time.Sleep(2 * time.Minute)
			return p.WriteData(id, true, []byte("ok")) == nil
		}))
		q := request("{}")
		q.Limits.Idle = time.Minute + time.Second
		a := &Response{}
		if err := c.Do(t.Context(), q, a); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if text, err := io.ReadAll(a); err != nil || string(text) != "ok" {
			t.Errorf("%q %v", text, err)
		}
	})
}
