package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections in memory, whose deadlines go by the clock of
// a synctest bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble runs a server in a bubble; dial opens a connection.
func inBubble(t *testing.T, h http.HandlerFunc, test func(t *testing.T, s *Server, dial func() net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, _ := newServer(h)
		ln := &pipes{make(chan net.Conn), make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- s.Serve(ln) }()
		test(t, s, func() net.Conn {
			ours, theirs := net.Pipe()
			ln.conns <- theirs
			return ours
		})
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if err := s.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// lasts returns how long a connection stays open, and what came.
func lasts(t *testing.T, c net.Conn) (time.Duration, string) {
	t.Helper()
	begin := time.Now()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Error(err)
	}
	return time.Since(begin), string(b)
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Error(err)
	}
}

func TestC05HeaderHasALimitInAll(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, _ *Server, dial func() net.Conn) {
		silent := dial()
		if d, _ := lasts(t, silent); d != 10*time.Second {
			t.Errorf("a silent connection is closed after %v, want 10 s", d)
		}
		c := dial()
		begin := time.Now()
		done := make(chan struct{})
		go func() { // a byte a second
			defer close(done)
			for _, b := range []byte(head + strings.Repeat("x", 100)) {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		if _, err := io.ReadAll(c); err != nil || time.Since(begin) != 10*time.Second {
			t.Errorf("a slow header ends after %v, want 10 s (%v)", time.Since(begin), err)
		}
		<-done
	})
}

func TestIdleConnectionIsKeptForTheIdleTimeAndAHeaderHasItsOwn(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, _ *Server, dial func() net.Conn) {
		c := dial()
		r := bufio.NewReader(c)
		for range 3 { // the deadline moves with every request
			say(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			if _, err := http.ReadResponse(r, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(119 * time.Second)
		}
		say(t, c, "GET / HTTP/1.1\r\nHost: x\r\n")
		if d, _ := lasts(t, c); d != 10*time.Second {
			t.Errorf("the rest of a header may take %v, want 10 s", d)
		}
		c = dial()
		say(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		if d, _ := lasts(t, c); d != 120*time.Second {
			t.Errorf("an idle connection is closed after %v, want 120 s", d)
		}
	})
}

func limited(w http.ResponseWriter) {
	w.(*response).Limit(30*time.Second, 10*time.Minute, time.Minute)
}

func TestC06BodyHasALimitThatEveryPieceMovesAndOneInAll(t *testing.T) {
	var err error
	var took time.Duration
	h := func(w http.ResponseWriter, r *http.Request) {
		limited(w)
		begin := time.Now()
		_, err = io.Copy(io.Discard, r.Body)
		took = time.Since(begin)
	}
	for name, c := range map[string]struct{ pause, want time.Duration }{
		"pauses of 20 s": {20 * time.Second, 10 * time.Minute},
		"pauses of 31 s": {31 * time.Second, 30 * time.Second},
	} {
		inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
			conn := dial()
			say(t, conn, head+"Content-Length: 1000\r\n\r\n")
			stop := make(chan struct{})
			go func() {
				defer close(stop)
				for {
					if _, err := conn.Write([]byte("x")); err != nil {
						return
					}
					time.Sleep(c.pause)
				}
			}()
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			<-stop
			synctest.Wait()
			if took != c.want || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %v after %v, want %v", name, err, took, c.want)
			}
		})
	}
}

func TestC04ReaderThatTakesNothingIsGivenUp(t *testing.T) {
	var given time.Time
	h := func(w http.ResponseWriter, r *http.Request) {
		limited(w)
		var err error
		for err == nil {
			if _, err = w.Write(make([]byte, 10_000)); err == nil {
				err = w.(*response).FlushError()
			}
		}
		begin := time.Now()
		<-r.Context().Done()
		if d := time.Since(begin); d != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("cancelled %v after %v", d, err)
		}
		given = time.Now()
	}
	inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
		c := dial()
		say(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		begin := time.Now()
		b := make([]byte, 1000)
		for range 20 { // one that takes a little is kept
			if _, err := io.ReadFull(c, b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Second)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if d := given.Sub(begin) - 950*time.Second; d < time.Minute || d > 2*time.Minute {
			t.Errorf("given up %v after the last byte, want one minute to two", d)
		}
	})
}

func TestReaderThatTakesNothingIsGivenUpWithoutALimitToo(t *testing.T) {
	var took time.Duration
	h := func(w http.ResponseWriter, _ *http.Request) {
		begin := time.Now()
		_, _ = w.Write(make([]byte, 10_000))
		took = time.Since(begin)
	}
	inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
		c := dial()
		say(t, c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		time.Sleep(time.Hour)
		synctest.Wait()
		if took != 2*time.Minute {
			t.Errorf("given up after %v, want the idle time", took)
		}
		_ = c.Close()
	})
}

func TestAnswerDoesNotWaitForABodyThatNobodyReadsAndTheRestHasALimit(t *testing.T) {
	for name, prepare := range map[string]func(http.ResponseWriter){"plain": func(http.ResponseWriter) {}, "with limits": limited} {
		h := func(w http.ResponseWriter, _ *http.Request) {
			prepare(w)
			w.WriteHeader(http.StatusUnauthorized)
		}
		for pause, want := range map[time.Duration]time.Duration{4 * time.Second: restIdle, restIdle / 2: 10 * time.Second} {
			inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
				c := dial()
				begin := time.Now()
				say(t, c, head+"Content-Length: 100\r\n\r\n")
				a, err := http.ReadResponse(bufio.NewReader(c), nil)
				if d := time.Since(begin); err != nil || a.StatusCode != http.StatusUnauthorized || d != 0 {
					t.Errorf("%s: %v %v after %v", name, a, err, d)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					for err := error(nil); err == nil; time.Sleep(pause) {
						_, err = c.Write([]byte("x"))
					}
				}()
				if d, text := lasts(t, c); d != want || text != "" {
					t.Errorf("%s, pauses of %v: %q after %v, want the end after %v", name, pause, text, d, want)
				}
				<-done
			})
		}
	}
}

func TestDeadlinesOfAHandlerHoldUntilItsAnswer(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		if r.URL.Path == "/plain" {
			_, _ = io.Copy(w, r.Body)
			return
		}
		begin := time.Now()
		if err := errors.Join(rc.SetReadDeadline(begin.Add(3*time.Second)), rc.SetWriteDeadline(begin.Add(5*time.Second))); err != nil {
			t.Error(err)
		}
		_, err := r.Body.Read(make([]byte, 1))
		if d := time.Since(begin); d != 3*time.Second || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v after %v", err, d)
		}
		_, err = w.Write(make([]byte, 10_000))
		if d := time.Since(begin); d != 5*time.Second || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v after %v", err, d)
		}
	}
	inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
		c := dial()
		say(t, c, head+"Content-Length: 1\r\n\r\n")
		time.Sleep(time.Minute)
		_ = c.Close()
	})
}

func TestDeadlinesOfAHandlerAreNotThoseOfTheNextRequest(t *testing.T) {
	h := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			rc, soon := http.NewResponseController(w), time.Now().Add(time.Second)
			if err := errors.Join(rc.SetReadDeadline(soon), rc.SetWriteDeadline(soon)); err != nil {
				t.Error(err)
			}
		}
		b, err := io.ReadAll(r.Body)
		if err != nil || string(b) != "x" {
			t.Errorf("%q %v", b, err)
		}
	}
	inBubble(t, h, func(t *testing.T, _ *Server, dial func() net.Conn) {
		c := dial()
		r := bufio.NewReader(c)
		for _, path := range []string{"/", "/next"} {
			say(t, c, "POST "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
			if _, err := http.ReadResponse(r, nil); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Second)
		}
	})
}

func TestShutdownWaitsALittleForAConnectionThatHasSentNothing(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, s *Server, dial func() net.Conn) {
		c := dial()
		synctest.Wait()
		begin := time.Now()
		go func() { _, _ = io.Copy(io.Discard, c) }()
		if err := s.Shutdown(context.Background()); err != nil || time.Since(begin) > freshTime+time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}
