package http2

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

func TestHeaderAndBodyOfARequestAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc := dialled(t, answering())
		c := add(t, newPool(t), "up", nc)
		for range 2 {
			time.Sleep(time.Second) // nothing is left to be written
			before := nc.written()
			if text, err := send(t.Context(), c, strings.Repeat("x", 3000)); err != nil || text != "ok" {
				t.Fatalf("%q %v", text, err)
			}
			if n := nc.written() - before; n != 1 {
				t.Errorf("%d writes", n)
			}
		}
	})
}

func TestHeaderIsSentWhenTheUpstreamHasNoRoomForTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := &peer{end: (*peer).answer, header: func(p *peer, id uint32) bool {
			return p.WriteWindowUpdate(id, 100) == nil
		}}
		c := add(t, newPool(t), "up", dialled(t, p))
		synctest.Wait()
		if text, err := send(t.Context(), c, "{}"); err != nil || text != "ok" {
			t.Fatalf("%q %v", text, err)
		}
		if waited := time.Since(began); waited != patience {
			t.Errorf("the header waited for %v", waited)
		}
	})
}

func TestOnlyWhatCanWaitWaits(t *testing.T) {
	var b strings.Builder
	fr := http2.NewFramer(&b, nil)
	piece := func(write ...func() error) string {
		b.Reset()
		for _, w := range write {
			if err := w(); err != nil {
				t.Fatal(err)
			}
		}
		return b.String()
	}
	headers := func(ended, whole bool) func() error {
		return func() error {
			return fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte("block"), EndStream: ended, EndHeaders: whole})
		}
	}
	window := func() error { return fr.WriteWindowUpdate(0, 5000) }
	ping := func() error { return fr.WritePing(false, [8]byte{}) }
	data := func() error { return fr.WriteData(1, true, []byte("x")) }
	for name, tc := range map[string]struct {
		piece string
		want  bool
	}{
		"a header":                 {piece(headers(false, true)), true},
		"one without a body":       {piece(headers(true, true)), false},
		"one that goes on":         {piece(headers(false, false)), false},
		"a window":                 {piece(window, window), true},
		"a header and a window":    {piece(window, headers(false, true)), true},
		"a body":                   {piece(data), false},
		"a window and a body":      {piece(window, data), false},
		"a ping":                   {piece(ping), false},
		"a part of a frame":        {piece(headers(false, true))[:12], false},
		"a part of a frame's head": {piece(window)[:5], false},
	} {
		if got := hasTime([]byte(tc.piece)); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWriterWaitsForAnUpstreamThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		g := gather(near)
		done := make(chan int)
		go func() {
			n := 0
			for {
				if _, err := g.Write(make([]byte, 10<<10)); err != nil {
					done <- n
					return
				}
				n++
			}
		}()
		synctest.Wait()
		if most := len(g.pending); most > maxPending || most == 0 {
			t.Errorf("%d bytes wait", most)
		}
		read, _ := io.CopyN(io.Discard, far, 100<<10)
		g.Close()
		if n := <-done; read != 100<<10 || n < 10 || n > 10+2*maxPending/(10<<10)+1 {
			t.Errorf("%d writes", n)
		}
		far.Close()
	})
}

func TestFailedWriteEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		g := gather(near)
		far.Close()
		if _, err := g.Write([]byte("no frame")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := g.Write([]byte("x")); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a later piece: %v", err)
		}
		if _, err := near.Read(make([]byte, 1)); err == nil {
			t.Error("it is open")
		}
	})
}
