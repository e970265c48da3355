package http1

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// unwatched starts a server as on a system without a watcher, on sockets.
func unwatched(t *testing.T, h http.HandlerFunc) *server {
	t.Helper()
	s := start(t, func(http.ResponseWriter, *http.Request) {})
	s.Server.mu.Lock()
	s.deaf, s.Handler = true, h
	s.Server.mu.Unlock()
	return s
}

func TestContinueIsNotSentIntoAnAnswer(t *testing.T) {
	for _, duplex := range []bool{false, true} {
		read := make(chan error, 2)
		s := start(t, func(w http.ResponseWriter, r *http.Request) {
			if duplex {
				_ = http.NewResponseController(w).EnableFullDuplex()
			}
			fmt.Fprint(w, "first")
			w.(http.Flusher).Flush()
			_, err := io.ReadAll(r.Body)
			fmt.Fprint(w, "second")
			read <- err
		})
		c := s.dial()
		c.send(get("POST", "1.1", "Expect: 100-continue", "Content-Length: 2"))
		a, err := http.ReadResponse(c.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.send("ab")
		b, err := io.ReadAll(a.Body)
		if err != nil || string(b) != "firstsecond" {
			t.Errorf("duplex %v: %q %v", duplex, b, err)
		}
		if err := until(t, "the handler has read", read); err != nil {
			t.Error(err)
		}
		if duplex { // all of the body was read, and the connection goes on
			c.send(get("GET", "1.1", "Connection: close"))
			c.answer("GET")
			continue
		}
		if rest := c.all(); rest != "" {
			t.Errorf("%q", rest)
		}
	}
}

func TestLineEndBehindABodyIsPassedOver(t *testing.T) {
	post := head + "Content-Length: 1\r\n\r\na"
	for between, requests := range map[string]int{"": 2, "\r\n": 2, "\n": 1, "\r": 1, "\r\n\r\n": 1, "\r\r\n": 1} {
		if got, answers := feed(post + between + post); len(got) != requests || strings.Contains(answers, "400") != (requests == 1) {
			t.Errorf("%q: %d requests, want %d: %q", between, len(got), requests, answers)
		}
		if got, _ := feed(append(strings.Split(post+between+post, ""), post)...); len(got) != 2*requests-1 {
			t.Errorf("%q in pieces: %d requests", between, len(got))
		}
	}
	if got, _ := feed(get("GET", "1.1") + "\r\n" + post); len(got) != 1 {
		t.Errorf("behind a GET: %d requests, want 1", len(got))
	}
}

func TestBodyMayBeReadBesideAnAnswerToAClientThatWaits(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		done := make(chan struct{})
		go func() { defer close(done); _, _ = io.Copy(io.Discard, r.Body) }()
		fmt.Fprint(w, "a")
		w.(http.Flusher).Flush()
		fmt.Fprint(w, "b")
		<-done
	})
	for range 100 {
		c := s.dial()
		c.send(get("POST", "1.1", "Connection: close", "Expect: 100-continue", "Content-Length: 2") + "xy")
		if text := c.all(); strings.Contains(strings.TrimPrefix(text, string(continueLine)), "100 Continue") || !strings.Contains(text, "1\r\nb\r\n") {
			t.Fatalf("%q", text)
		}
	}
}

func TestDeadlineOfAShutdownThatComesLateCancelsNoRequest(t *testing.T) {
	var answered error
	h := func(w http.ResponseWriter, r *http.Request) {
		_ = w.(*response).c.nc.SetReadDeadline(longAgo) // as wake does
		synctest.Wait()
		answered = r.Context().Err()
		<-r.Context().Done() // the client leaves
	}
	inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
		c := dial()
		say(t, c, get("GET", "1.1"))
		time.Sleep(time.Second)
		_ = c.Close()
		synctest.Wait()
		if answered != nil {
			t.Error(answered)
		}
	})
}

func TestResetInABodyCancelsWithoutAWatcher(t *testing.T) {
	running, cancelled := make(chan struct{}), make(chan struct{})
	s := unwatched(t, func(_ http.ResponseWriter, r *http.Request) {
		running <- struct{}{}
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(cancelled)
	})
	c := s.dial()
	c.send(get("POST", "1.1", "Transfer-Encoding: chunked") + "5\r\nabc")
	until(t, "it runs", running)
	_ = c.SetLinger(0)
	_ = c.Close()
	until(t, "it is cancelled", cancelled)
}

func TestPanicBesideAReader(t *testing.T) {
	s := unwatched(t, func(_ http.ResponseWriter, r *http.Request) {
		started := make(chan struct{})
		go func() { close(started); _, _ = io.Copy(io.Discard, r.Body) }()
		<-started
		panic(http.ErrAbortHandler)
	})
	for range 100 {
		c := s.dial()
		c.send(get("POST", "1.1", "Content-Length: 3") + "abc")
		c.all()
	}
}

// crowd sends requests over connections of its own, several on each, and looks for
// its own data in the answers.
func crowd(t *testing.T, addr string, name int) {
	for n := range 15 {
		c := dial(t, addr)
		var text strings.Builder
		for i := range 3 {
			body := strings.Repeat(fmt.Sprintf("%d.%d.%d,", name, n, i), 1+700*i)
			fmt.Fprintf(&text, "POST /%d/%d/%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", name, n, i, len(body), body)
		}
		go func() { _, _ = io.WriteString(c, text.String()) }()
		for i := range 3 {
			_, b := c.answer("POST")
			if id := fmt.Sprintf("%d.%d.%d,", name, n, i); strings.ReplaceAll(b, id, "") != fmt.Sprintf("</%d/%d/%d><nil>", name, n, i) {
				t.Errorf("%.200q is not of %s", b, id)
			}
		}
		_ = c.Close()
	}
}

// Descriptors and buffers go from clients that leave to others at once.
func TestNobodyGetsWhatIsOfAnother(t *testing.T) {
	for _, start := range []func(*testing.T, http.HandlerFunc) *server{func(t *testing.T, h http.HandlerFunc) *server { return start(t, h) }, unwatched} {
		s := start(t, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "<%s>", r.URL.Path)
			w.(http.Flusher).Flush()
			fmt.Fprintf(w, "%s%v", b, r.Context().Err())
		})
		stop := make(chan struct{})
		var leavers, others sync.WaitGroup
		for range 4 {
			leavers.Go(func() {
				for chance := rand.New(rand.NewPCG(1, 1)); ; {
					select {
					case <-stop:
						return
					default:
						misbehave(s.addr, chance)
					}
				}
			})
		}
		for name := range 8 {
			others.Go(func() { crowd(t, s.addr, name) })
		}
		others.Wait()
		close(stop)
		leavers.Wait()
	}
}
