package http2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// answers has a peer answer the first request with a script, and others well.
func answers(script func(p *peer, id uint32) bool) *peer {
	return &peer{window: wide, end: func(p *peer, id uint32) bool {
		if id == 1 {
			return script(p, id)
		}
		return p.answer(id)
	}}
}

// heard is how a peer hears that a stream or the connection ends.
func (p *peer) heard(ended *[]http2.ErrCode) *peer {
	p.frame = func(_ *peer, f http2.Frame) bool {
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			*ended = append(*ended, f.ErrCode)
		case *http2.GoAwayFrame:
			*ended = append(*ended, f.ErrCode)
		case *http2.PingFrame:
			return f.IsAck() || p.WritePing(true, f.Data) == nil
		}
		return true
	}
	return p
}

func TestAnswerIsReadAsHTTPHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := to(t, answers(func(p *peer, id uint32) bool {
			return p.head(id, false, ":status", "429", "content-type", "text/plain", "x-two", "a", "x-one", "1", "x-two", "b", "content-length", "3", "content-length", "3") &&
				p.WriteData(id, false, []byte("a")) == nil && p.WriteData(id, false, nil) == nil && p.WriteData(id, true, []byte("bc")) == nil
		}))
		a := &Response{}
		if err := c.Do(t.Context(), request("{}"), a); err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(a)
		want := map[string]string{"Content-Type": "[text/plain]", "X-Two": "[a b]", "X-One": "[1]", "Content-Length": "[3]"}
		for name, values := range want {
			if got := fmt.Sprint(a.Header[name]); got != values {
				t.Errorf("%s: %s", name, got)
			}
		}
		if err != nil || string(body) != "abc" || a.Status != 429 || a.Length != 3 || len(a.Header) != len(want) {
			t.Errorf("%d %v, %q %v", a.Status, a.Header, body, err)
		}
	})
}

func TestWhatAnAnswerMayHaveBesidesIsPassedOver(t *testing.T) {
	for name, script := range map[string]func(p *peer, id uint32) bool{
		"interim answers": func(p *peer, id uint32) bool {
			return p.head(id, false, ":status", "100") && p.head(id, false, ":status", "103", "link", "x") && p.answer(id)
		},
		"trailers": func(p *peer, id uint32) bool {
			return p.begin(id) && p.WriteData(id, false, []byte("ok")) == nil && p.head(id, true, "x-sum", "1")
		},
		"padding": func(p *peer, id uint32) bool {
			return p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.encode(":status", "200"), EndHeaders: true, PadLength: 200, Priority: http2.PriorityParam{Weight: 3}}) == nil &&
				p.WriteDataPadded(id, true, []byte("ok"), make([]byte, 255)) == nil
		},
		"PRIORITY and unknown frames": func(p *peer, id uint32) bool {
			return p.WritePriority(id, http2.PriorityParam{Weight: 1}) == nil && p.WriteRawFrame(0xfa, 0xff, id, []byte("grease")) == nil &&
				p.WriteRawFrame(0xfb, 0, 0, nil) == nil && p.answer(id)
		},
		"unknown settings": func(p *peer, id uint32) bool {
			return p.WriteSettings(http2.Setting{ID: 0xf0f0, Val: 1}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20}) == nil && p.answer(id)
		},
		"a header in pieces": func(p *peer, id uint32) bool {
			block := append([]byte(nil), p.encode(":status", "200", "x-a", "b")...)
			return p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block[:1]}) == nil && p.WriteContinuation(id, false, nil) == nil &&
				p.WriteContinuation(id, false, block[1:4]) == nil && p.WriteContinuation(id, true, block[4:]) == nil && p.WriteData(id, true, []byte("ok")) == nil
		},
		"frames on a stream that has ended": func(p *peer, id uint32) bool {
			return p.answer(id) && p.WriteData(id, true, []byte("no")) == nil && p.head(id, true, ":status", "500", "x-new", "1") && p.WriteWindowUpdate(id, 1) == nil && p.WriteRSTStream(id, http2.ErrCodeNo) == nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := to(t, answers(script))
			for range 2 {
				if text, err := send(t.Context(), c, "{}"); err != nil || text != "ok" {
					t.Errorf("%s: %q %v", name, text, err)
				}
				again(t, c)
			}
		})
	}
}

// TestMalformedAnswerEndsItsStreamAlone: the connection goes on, and says why.
func TestMalformedAnswerEndsItsStreamAlone(t *testing.T) {
	header := func(fields ...string) func(p *peer, id uint32) bool {
		return func(p *peer, id uint32) bool {
			return p.head(id, false, fields...) && p.WriteData(id, true, []byte("ok")) == nil
		}
	}
	many, large := []string{":status", "200"}, []string{":status", "200"}
	for range 70 {
		large = append(large, "x", strings.Repeat("a", 1000))
	}
	for i := range maxFields {
		many = append(many, "x", fmt.Sprint(i%10))
	}
	for name, script := range map[string]func(p *peer, id uint32) bool{
		"no status":              header("content-type", "a"),
		"an empty header":        func(p *peer, id uint32) bool { return p.WriteRawFrame(http2.FrameHeaders, 4, id, nil) == nil },
		"two":                    header(":status", "200", ":status", "200"),
		"one that is late":       header("a", "b", ":status", "200"),
		"one of four digits":     header(":status", "2000"),
		"one below 100":          header(":status", "099"),
		"none at all":            header(":status", ""),
		"a request's":            header(":status", "200", ":path", "/"),
		"an upper case name":     header(":status", "200", "X-A", "b"),
		"a name with a space":    header(":status", "200", "x a", "b"),
		"an empty name":          header(":status", "200", "", "b"),
		"a value with a newline": header(":status", "200", "x-a", "b\r\nc"),
		"connection":             header(":status", "200", "connection", "close"),
		"keep-alive":             header(":status", "200", "keep-alive", "1"),
		"transfer-encoding":      header(":status", "200", "transfer-encoding", "chunked"),
		"upgrade":                header(":status", "200", "upgrade", "x"),
		"a large one":            header(large...),
		"many fields":            header(many...),
		"a bad length":           header(":status", "200", "content-length", "x"),
		"two lengths":            header(":status", "200", "content-length", "2", "content-length", "3"),
		"a longer body":          header(":status", "200", "content-length", "1"),
		"a shorter body":         header(":status", "200", "content-length", "3"),
		"no body":                func(p *peer, id uint32) bool { return p.head(id, true, ":status", "200", "content-length", "1") },
		"a body of 204":          header(":status", "204"),
		"101":                    header(":status", "101"),
		"an interim end":         func(p *peer, id uint32) bool { return p.head(id, true, ":status", "103") },
		"a body first":           func(p *peer, id uint32) bool { return p.WriteData(id, true, []byte("ok")) == nil },
		"an interim answer's body": func(p *peer, id uint32) bool {
			return p.head(id, false, ":status", "103") && p.WriteData(id, true, []byte("ok")) == nil
		},
		"endless interim answers": func(p *peer, id uint32) bool {
			for range maxInterim + 1 {
				p.head(id, false, ":status", "103")
			}
			return true
		},
		"trailers that are not the end": func(p *peer, id uint32) bool { return p.begin(id) && p.head(id, false, "a", "b") },
		"trailers with a status":        func(p *peer, id uint32) bool { return p.begin(id) && p.head(id, true, ":status", "200") },
		"large trailers": func(p *peer, id uint32) bool {
			return p.begin(id) && p.head(id, true, large[2:]...)
		},
		"a window that is too large": func(p *peer, id uint32) bool { return p.WriteWindowUpdate(id, maxWindow) == nil },
		"a window of nothing": func(p *peer, id uint32) bool {
			return p.WriteRawFrame(http2.FrameWindowUpdate, 0, id, make([]byte, 4)) == nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			var ended []http2.ErrCode
			c := to(t, answers(script).heard(&ended))
			synctest.Wait()
			var wrong *http1.ProtocolError
			if _, err := send(t.Context(), c, "{}"); !errors.As(err, &wrong) || Unseen(err) {
				t.Errorf("%s: %v", name, err)
			}
			// What follows in the table of the compression is understood.
			if c.ended() {
				t.Fatalf("%s: the connection has ended: %v", name, c.err)
			}
			if text, err := send(t.Context(), again(t, c), "{}"); err != nil || text != "ok" {
				t.Errorf("%s: then %q %v", name, text, err)
			}
			if len(ended) != 1 || ended[0] != http2.ErrCodeProtocol && ended[0] != http2.ErrCodeFlowControl {
				t.Errorf("%s: the upstream hears %v", name, ended)
			}
		})
	}
}

// raw writes a frame as it stands.
func raw(kind http2.FrameType, flags http2.Flags, id uint32, payload string) func(p *peer, id uint32) bool {
	return func(p *peer, _ uint32) bool { return p.WriteRawFrame(kind, flags, id, []byte(payload)) == nil }
}

func TestWhatConcernsAllStreamsEndsTheConnection(t *testing.T) {
	for name, tc := range map[string]struct {
		script func(p *peer, id uint32) bool
		want   http2.ErrCode
	}{
		"a stream that was never opened":   {raw(http2.FrameData, 0, 9, "x"), http2.ErrCodeProtocol},
		"a header of one":                  {raw(http2.FrameHeaders, 4, 9, "\x88"), http2.ErrCodeProtocol},
		"a stream of the upstream":         {raw(http2.FrameRSTStream, 0, 2, "1234"), http2.ErrCodeProtocol},
		"a window of no stream":            {raw(http2.FrameWindowUpdate, 0, 9, "\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		"a push":                           {raw(http2.FramePushPromise, 4, 1, "\x00\x00\x00\x02\x88"), http2.ErrCodeProtocol},
		"data on no stream":                {raw(http2.FrameData, 0, 0, "x"), http2.ErrCodeProtocol},
		"a header on no stream":            {raw(http2.FrameHeaders, 4, 0, "\x88"), http2.ErrCodeProtocol},
		"settings on a stream":             {raw(http2.FrameSettings, 0, 1, ""), http2.ErrCodeProtocol},
		"a ping on a stream":               {raw(http2.FramePing, 0, 1, "12345678"), http2.ErrCodeProtocol},
		"a farewell on a stream":           {raw(http2.FrameGoAway, 0, 1, "12345678"), http2.ErrCodeProtocol},
		"settings of a wrong size":         {raw(http2.FrameSettings, 0, 0, "1"), http2.ErrCodeFrameSize},
		"an answer to settings, with some": {raw(http2.FrameSettings, 1, 0, "123456"), http2.ErrCodeFrameSize},
		"a ping of a wrong size":           {raw(http2.FramePing, 0, 0, "1"), http2.ErrCodeFrameSize},
		"a farewell of a wrong size":       {raw(http2.FrameGoAway, 0, 0, "1234567"), http2.ErrCodeFrameSize},
		"a window of a wrong size":         {raw(http2.FrameWindowUpdate, 0, 0, "1"), http2.ErrCodeFrameSize},
		"an end of a wrong size":           {raw(http2.FrameRSTStream, 0, 1, "1"), http2.ErrCodeFrameSize},
		"a larger frame":                   {raw(0xfa, 0, 0, strings.Repeat("x", maxFrame+1)), http2.ErrCodeFrameSize},
		"more padding than data":           {raw(http2.FrameData, 8, 1, "\x05abc"), http2.ErrCodeProtocol},
		"no room for the padding's size":   {raw(http2.FrameData, 8, 1, ""), http2.ErrCodeProtocol},
		"more padding than header":         {raw(http2.FrameHeaders, 12, 1, "\x05\x88"), http2.ErrCodeProtocol},
		"no room for the priority":         {raw(http2.FrameHeaders, 0x24, 1, "\x88"), http2.ErrCodeProtocol},
		"a connection window of nothing":   {raw(http2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00"), http2.ErrCodeFlowControl},
		"one that is too large":            {raw(http2.FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff"), http2.ErrCodeFlowControl},
		"first windows that are too large": {raw(http2.FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00"), http2.ErrCodeFlowControl},
		"frames that are too small":        {raw(http2.FrameSettings, 0, 0, "\x00\x05\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		"a wish to be pushed to":           {raw(http2.FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x01"), http2.ErrCodeProtocol},
		"a continuation of nothing":        {raw(http2.FrameContinuation, 4, 1, "\x88"), http2.ErrCodeProtocol},
		"compression that nobody knows":    {raw(http2.FrameHeaders, 4, 1, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), http2.ErrCodeCompression},
		"compression that ends too early":  {raw(http2.FrameHeaders, 4, 1, "\x00\x05a"), http2.ErrCodeCompression},
		"a table that was not allowed":     {raw(http2.FrameHeaders, 4, 1, "\x3f\xff\xff\x03\x88"), http2.ErrCodeCompression},
		"a string that is far too long":    {raw(http2.FrameHeaders, 4, 1, "\x00\x01a\x7f\x80\x80\x80\x01"), http2.ErrCodeCompression},
		"a frame in the midst of a header": {func(p *peer, id uint32) bool {
			return raw(http2.FrameHeaders, 0, 1, "\x88")(p, id) && raw(http2.FrameData, 0, 1, "x")(p, id)
		}, http2.ErrCodeProtocol},
		"another stream's in its midst": {func(p *peer, id uint32) bool {
			return raw(http2.FrameHeaders, 0, 1, "\x88")(p, id) && raw(http2.FrameContinuation, 4, 3, "")(p, id)
		}, http2.ErrCodeProtocol},
		"windows that become too large": {func(p *peer, id uint32) bool {
			return p.WriteWindowUpdate(id, maxWindow-2*wide) == nil && p.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 4 * wide}) == nil
		}, http2.ErrCodeFlowControl},
		"a header without an end":          {continued("\x88", 4, 1000), http2.ErrCodeEnhanceYourCalm},
		"one in frames with nothing":       {continued("", 4, 1000), http2.ErrCodeEnhanceYourCalm},
		"a large one without an end":       {continued(strings.Repeat("\x88", maxFrame), 4, 1000), http2.ErrCodeEnhanceYourCalm},
		"more data than all windows allow": {func(p *peer, id uint32) bool { return p.begin(id) }, http2.ErrCodeFlowControl},
	} {
		synctest.Test(t, func(t *testing.T) {
			var ended []http2.ErrCode
			p := answers(tc.script).heard(&ended)
			c := to(t, p)
			if name == "more data than all windows allow" {
				c.received = connWindow + 1
				p.end = (*peer).answer
			}
			var wrong *http1.ProtocolError
			if _, err := send(t.Context(), c, "{}"); !errors.As(err, &wrong) || Unseen(err) {
				t.Errorf("%s: %v", name, err)
			}
			synctest.Wait()
			if !c.ended() || c.reserve() || len(ended) != 1 || ended[0] != tc.want {
				t.Errorf("%s: the upstream hears %v", name, ended)
			}
		})
	}
}

// continued begins a header and does not end it.
func continued(piece string, flags http2.Flags, n int) func(p *peer, id uint32) bool {
	return func(p *peer, id uint32) bool {
		ok := p.WriteRawFrame(http2.FrameHeaders, 0, id, []byte(piece)) == nil
		for range n {
			if ok = ok && p.WriteRawFrame(http2.FrameContinuation, 0, id, []byte(piece)) == nil; !ok {
				break
			}
		}
		return true
	}
}

func TestConnectionBeginsWithSettings(t *testing.T) {
	for name, first := range map[string]func(fr *http2.Framer) error{
		"PING":              func(fr *http2.Framer) error { return fr.WritePing(false, [8]byte{}) },
		"an answer to ours": func(fr *http2.Framer) error { return fr.WriteSettingsAck() },
		"HTTP/1.1":          func(fr *http2.Framer) error { return fr.WriteRawFrame('H', 'T', 0, nil) },
	} {
		synctest.Test(t, func(t *testing.T) {
			c, far := bare(t)
			result := make(chan error, 1)
			go func() { _, err := send(t.Context(), c, "{}"); result <- err }()
			synctest.Wait()
			if err := first(http2.NewFramer(far, nil)); err != nil {
				t.Fatal(err)
			}
			var wrong *http1.ProtocolError
			if err := <-result; !errors.As(err, &wrong) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func TestHEADHasNoBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := to(t, &peer{window: wide, end: func(p *peer, id uint32) bool { return p.head(id, true, ":status", "200", "content-length", "100") }})
		q := request("")
		q.Method = "HEAD"
		if text, err := call(t.Context(), c, q); err != nil || text != "" {
			t.Errorf("%q %v", text, err)
		}
	})
}

func TestQuestionsOfAnUpstreamThatDoesNotReadAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, far := bare(t)
		go func() { _, _ = send(t.Context(), c, "{}") }()
		synctest.Wait() // it is stuck in its first write
		fr := http2.NewFramer(far, nil)
		_ = fr.WriteSettings()
		asked := 0
		for ; asked < 10*maxControl && fr.WritePing(false, [8]byte{}) == nil; asked++ {
		}
		if asked > maxControl+1 || !c.ended() {
			t.Errorf("%d questions", asked)
		}
	})
}

func TestPingIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []byte
		p := answers(func(p *peer, id uint32) bool { return p.WritePing(false, [8]byte{1, 2, 3, 4, 5, 6, 7, 8}) == nil })
		p.frame = func(p *peer, f http2.Frame) bool {
			if f, ok := f.(*http2.PingFrame); ok && f.IsAck() {
				got = append(got, f.Data[:]...)
				return p.answer(1)
			}
			return true
		}
		if text, err := send(t.Context(), to(t, p), "{}"); err != nil || text != "ok" || string(got) != "\x01\x02\x03\x04\x05\x06\x07\x08" {
			t.Errorf("%q %v, %x", text, err, got)
		}
	})
}

func TestNamesThatAreRememberedAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fields := []string{":status", "200"}
		q := request("{}")
		for i := range 2 * maxNames {
			fields = append(fields, fmt.Sprint("x-", i), "a")
			q.Header[fmt.Sprint("X-", i)] = []string{"a"}
		}
		c := to(t, answers(func(p *peer, id uint32) bool { return p.head(id, true, fields...) }))
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if _, err := call(ctx, c, q); err != nil {
			t.Fatal(err)
		}
		if len(c.names) > maxNames || len(c.lower) > maxNames {
			t.Errorf("%d and %d names", len(c.names), len(c.lower))
		}
	})
}
