package http1

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// misbehave sends some of some requests, reads some of the answers, and leaves.
func misbehave(addr string, chance *rand.Rand) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer nc.Close()
	for range chance.IntN(4) {
		text := good[chance.IntN(len(good))]
		switch chance.IntN(4) {
		case 0:
			text = text[:chance.IntN(len(text))]
		case 1:
			text = text[:len(text)/2] + "\x00" + text[len(text)/2:]
		}
		if _, err := io.WriteString(nc, text); err != nil {
			return
		}
		if chance.IntN(2) == 0 { // the server may wait as well
			_ = nc.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			_, _ = nc.Read(make([]byte, 1+chance.IntN(5000)))
		}
	}
	switch chance.IntN(3) {
	case 0:
		_ = nc.(*net.TCPConn).SetLinger(0)
	case 1:
		_ = nc.(*net.TCPConn).CloseWrite()
		_ = nc.SetReadDeadline(time.Time{})
		_, _ = io.Copy(io.Discard, nc)
	}
}

// Nothing is left of clients that do all kinds of things: no connection, which
// start looks for, and no goroutine, which goleak does.
func TestR05NothingIsLeftOfClientsThatMisbehave(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(http.HandlerFunc) *server) {
		s := start(func(w http.ResponseWriter, r *http.Request) {
			switch len(r.URL.Path) % 4 {
			case 0:
				_, _ = io.Copy(io.Discard, r.Body)
				if strings.HasSuffix(t.Name(), "watcher") { // an ear hears nothing behind more requests
					<-r.Context().Done()
				}
			case 1:
				_, _ = io.Copy(io.Discard, r.Body)
				fmt.Fprint(w, r.URL.Path)
			case 2:
				for range 20 {
					if _, err := w.Write(make([]byte, 1000)); err != nil {
						return
					}
					w.(http.Flusher).Flush()
				}
			}
		})
		var wg sync.WaitGroup
		for seed := range uint64(20) {
			wg.Go(func() {
				chance := rand.New(rand.NewPCG(seed, 1))
				for range 50 {
					misbehave(s.addr, chance)
				}
			})
		}
		wg.Wait()
		c := s.dial() // others are served
		c.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
		c.answer("GET")
		_ = c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("connections are left: %v", err)
		}
	})
}
