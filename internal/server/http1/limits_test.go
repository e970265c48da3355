package http1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// halves is a connection in memory that can end its answers first.
type halves struct {
	net.Conn
	ended chan struct{}
}

func (h halves) CloseWrite() error {
	close(h.ended)
	return nil
}

func TestConnectionGoesOnWhenTheRestOfTheBodyComesAfterTheAnswer(t *testing.T) {
	var paths []string
	h := func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		w.WriteHeader(http.StatusUnauthorized)
	}
	inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
		c := dial()
		in := bufio.NewReader(c)
		for _, framing := range []string{"Content-Length: 10\r\n\r\n01234", "Transfer-Encoding: chunked\r\n\r\na\r\n01234"} {
			say(t, c, head+framing)
			if a, err := http.ReadResponse(in, nil); err != nil || a.StatusCode != http.StatusUnauthorized || a.Close {
				t.Fatalf("%v %v", a, err)
			}
			time.Sleep(restIdle / 2)
			say(t, c, "56789"+map[bool]string{true: "\r\n0\r\n\r\n"}[strings.HasPrefix(framing, "T")])
		}
		say(t, c, "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		if _, text := lasts(t, c); !strings.HasPrefix(text, "HTTP/1.1 401 ") || len(paths) != 3 || paths[2] != "/next" {
			t.Errorf("%q for %q", text, paths)
		}
	})
}

func TestClientThatStillSendsMayGoOnForAWhileAfterAnEarlyAnswer(t *testing.T) {
	for pause, want := range map[time.Duration]time.Duration{lingerIdle / 5: lingerTime, 2 * lingerIdle: lingerIdle} {
		synctest.Test(t, func(t *testing.T) {
			s, _ := newServer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestEntityTooLarge) })
			ours, theirs := net.Pipe()
			c := halves{theirs, make(chan struct{})}
			s.users = 2 // nobody is to close it
			go newConn(s, c).serve()
			say(t, ours, head+"Content-Length: 1000000\r\n\r\n")
			if a, err := http.ReadResponse(bufio.NewReader(ours), nil); err != nil || a.StatusCode != http.StatusRequestEntityTooLarge || !a.Close {
				t.Errorf("%v %v", a, err)
			}
			<-c.ended
			begin := time.Now()
			var err error
			for err == nil {
				time.Sleep(pause)
				_, err = ours.Write([]byte("x"))
			}
			if d := time.Since(begin); d < want || d > want+2*pause {
				t.Errorf("with pauses of %v it may go on for %v, want %v", pause, d, want)
			}
		})
	}
}

func TestConnectionsBeyondTheLimitAreTurnedAwayAndOthersServed(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, s *Server, dial func() net.Conn) {
		const limit = 3
		s.MaxConns = func() int { return limit }
		status := func(c net.Conn) (int, string) {
			say(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			a, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			return a.StatusCode, a.Header.Get("Retry-After")
		}
		var open []net.Conn
		for range limit {
			open = append(open, dial())
		}
		for range 2 {
			if code, after := status(dial()); code != http.StatusServiceUnavailable || after != "1" {
				t.Errorf("one too many: %d, again after %q", code, after)
			}
		}
		for range maxTurned { // they say nothing
			dial()
		}
		synctest.Wait()
		if _, err := dial().Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("beyond those that are answered: %v", err)
		}
		for _, c := range open {
			if code, _ := status(c); code != http.StatusOK {
				t.Errorf("within the limit: %d", code)
			}
		}
		_ = open[0].Close()
		synctest.Wait()
		if code, _ := status(dial()); code != http.StatusOK {
			t.Errorf("when one has ended: %d", code)
		}
		time.Sleep(lingerIdle)
		synctest.Wait()
		if s.excess != 0 || len(s.conns) != limit {
			t.Errorf("%d connections are left, %d of them turned away", len(s.conns), s.excess)
		}
	})
}

func TestLargeHeadersOfAllConnectionsAreBoundedTogether(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, s *Server, dial func() net.Conn) {
		ask := func(size int) int {
			c := dial()
			go func() {
				_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-A: "+strings.Repeat("a", size)+"\r\n\r\n") // it may be refused before its end
			}()
			a, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Close()
			synctest.Wait()
			return a.StatusCode
		}
		const small, large = 1 << 10, 50 << 10
		if code := ask(large); code != http.StatusOK || s.heads.Load() != 0 {
			t.Errorf("a large one: %d, and %d bytes are left", code, s.heads.Load())
		}
		s.heads.Store(maxHeads - large)
		for size, want := range map[int]int{small: http.StatusOK, large: http.StatusServiceUnavailable} {
			if code := ask(size); code != want || s.heads.Load() != maxHeads-large {
				t.Errorf("%d bytes among many large ones: %d, want %d", size, code, want)
			}
		}
	})
}
