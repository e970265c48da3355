package http1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// deaf hides that a connection is a socket, so that no watcher has it.
type deaf struct{ net.Conn }

type deafListener struct{ net.Listener }

func (l deafListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return deaf{c}, nil
}

// bothWays runs a test with the watcher, and as on a system that has none.
func bothWays(t *testing.T, test func(t *testing.T, start func(http.HandlerFunc) *server)) {
	t.Run("watcher", func(t *testing.T) { test(t, func(h http.HandlerFunc) *server { return start(t, h) }) })
	t.Run("ear", func(t *testing.T) {
		test(t, func(h http.HandlerFunc) *server {
			s := start(t, h)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s.addr = ln.Addr().String()
			done := make(chan struct{})
			go func() { defer close(done); _ = s.Serve(deafListener{ln}) }()
			t.Cleanup(func() { _ = s.Close(); <-done })
			return s
		})
	})
}

// depart are the ways in which a client leaves.
var depart = map[string]func(*client){
	"close": func(c *client) { _ = c.Close() },
	"reset": func(c *client) { _ = c.SetLinger(0); _ = c.Close() },
	"half":  func(c *client) { _ = c.CloseWrite() }, // as net/http: the request is cancelled
}

func TestC01C02C03AClientThatLeavesCancelsItsRequestInEveryPhase(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(http.HandlerFunc) *server) {
		running, cancelled := make(chan struct{}, 1), make(chan error, 1)
		s := start(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/stream" {
				fmt.Fprint(w, "data")
				w.(http.Flusher).Flush()
			}
			if r.URL.Path != "/unread" {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			running <- struct{}{}
			<-r.Context().Done()
			cancelled <- r.Context().Err()
		})
		for name, text := range map[string]string{
			"no body":       "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			"body":          "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
			"chunks":        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
			"stream":        "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n",
			"HTTP/1.0":      "GET / HTTP/1.0\r\n\r\n",
			"second on one": "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		} {
			for how, leave := range depart {
				c := s.dial()
				c.send(text)
				until(t, name+" runs", running)
				leave(c)
				if err := until(t, name+" is cancelled after "+how, cancelled); !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			}
		}
	})
}

func TestAClientThatLeavesRightAfterItsRequestCancelsIt(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(http.HandlerFunc) *server) {
		cancelled := make(chan struct{}, 100)
		s := start(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			cancelled <- struct{}{}
		})
		// The reset may overtake the request, which then never was one; a FIN cannot.
		for _, how := range []string{"close", "half"} {
			for range 50 {
				c := s.dial()
				c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				depart[how](c)
				until(t, "the request is cancelled after "+how, cancelled)
			}
		}
	})
}

func TestAClientThatLeavesInItsBodyEndsTheRead(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(http.HandlerFunc) *server) {
		running, ended := make(chan struct{}, 1), make(chan error, 1)
		s := start(func(_ http.ResponseWriter, r *http.Request) {
			running <- struct{}{}
			_, err := io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			ended <- err
		})
		for how, leave := range depart {
			for _, text := range []string{head + "Content-Length: 10\r\n\r\nabc", head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc"} {
				c := s.dial()
				c.send(text)
				until(t, "it runs", running)
				leave(c)
				if err := until(t, "the body ends after "+how, ended); err == nil || how != "reset" && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%s: %v", how, err)
				}
			}
		}
	})
}

func TestPipelinedBytesAreNotTakenForLeaving(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(http.HandlerFunc) *server) {
		running, goOn := make(chan struct{}, 1), make(chan struct{})
		s := start(func(w http.ResponseWriter, r *http.Request) {
			running <- struct{}{}
			<-goOn
			fmt.Fprintf(w, "%s %v", r.URL.Path, r.Context().Err())
		})
		c := s.dial()
		for _, text := range []string{"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n", "G", "ET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n"} {
			c.send(text)
			if text != "G" {
				until(t, "it runs", running)
				continue
			}
			goOn <- struct{}{}
			if _, b := c.answer("GET"); b != "/1 <nil>" {
				t.Errorf("%q", b)
			}
		}
		goOn <- struct{}{}
		_, two := c.answer("GET")
		until(t, "the third runs", running)
		goOn <- struct{}{}
		if _, three := c.answer("GET"); two != "/2 <nil>" || three != "/3 <nil>" {
			t.Errorf("%q %q", two, three)
		}
	})
}

func TestContextEndsWithItsRequest(t *testing.T) {
	contexts := make(chan context.Context, 1)
	s := start(t, func(_ http.ResponseWriter, r *http.Request) { contexts <- r.Context() })
	c := s.dial()
	for range 2 {
		c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		c.answer("GET")
		until(t, "the context ends", (<-contexts).Done())
	}
}

func TestFailedWriteCancelsTheRequest(t *testing.T) {
	ended := make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		var err error
		for err == nil {
			_, err = w.Write(make([]byte, 100_000))
		}
		<-r.Context().Done()
		_, again := w.Write([]byte("x"))
		ended <- errors.Join(again)
	})
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	_ = c.SetLinger(0)
	_ = c.Close()
	if err := until(t, "the handler ends", ended); err == nil {
		t.Error("a write after a failed one is no error")
	}
}

func TestR09ShutdownLetsRequestsEndAndClosesIdleConnections(t *testing.T) {
	running, goOn := make(chan struct{}), make(chan struct{})
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			running <- struct{}{}
			<-goOn
		}
		fmt.Fprint(w, "ok")
	})
	idle, busy := s.dial(), s.dial()
	idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	idle.answer("GET")
	busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	until(t, "it runs", running)
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(context.Background()) }()
	if rest := idle.all(); rest != "" {
		t.Errorf("%q", rest)
	}
	if _, err := net.Dial("tcp", s.addr); err == nil {
		t.Error("a connection was accepted after the end")
	}
	select {
	case err := <-ended:
		t.Fatalf("ended before the request: %v", err)
	default:
	}
	close(goOn)
	if a, b := busy.answer("GET"); b != "ok" || !a.Close {
		t.Errorf("%q, close %v", b, a.Close)
	}
	if err := until(t, "Shutdown ends", ended); err != nil {
		t.Error(err)
	}
}

func TestShutdownDoesNotWaitForAConnectionThatWasTakenOver(t *testing.T) {
	taken, goOn, ended := make(chan error), make(chan struct{}), make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		nc, _, err := http.NewResponseController(w).Hijack()
		taken <- err
		<-goOn
		_, err = io.WriteString(nc, "still here")
		ended <- errors.Join(err, nc.Close())
	})
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if err := until(t, "it is taken over", taken); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	_ = s.Close()
	close(goOn)
	if text := c.all(); text != "still here" {
		t.Errorf("%q", text)
	}
	if err := until(t, "the handler ends", ended); err != nil {
		t.Error(err)
	}
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	running := make(chan struct{})
	s := start(t, func(_ http.ResponseWriter, r *http.Request) { close(running); <-r.Context().Done() })
	c := s.dial()
	c.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	until(t, "it runs", running)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	// Close, in the clean-up, ends the request.
}

func TestR09ShutdownUnderLoadAnswersWhatWasBegun(t *testing.T) {
	for range 5 {
		shutdownUnderLoad(t)
	}
}

func shutdownUnderLoad(t *testing.T) {
	var begun, answered sync.Map
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		begun.Store(r.URL.Path, true)
		fmt.Fprint(w, r.URL.Path)
	})
	first := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	for n := range 8 {
		c := s.dial()
		wg.Go(func() {
			for i := 0; ; i++ {
				path := fmt.Sprintf("/%d/%d", n, i)
				if _, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					return
				}
				a, err := http.ReadResponse(c.r, nil)
				if err != nil {
					return
				}
				b, err := io.ReadAll(a.Body)
				if err == nil && string(b) == path {
					answered.Store(path, true)
				}
				once.Do(func() { close(first) })
				if a.Close {
					return
				}
			}
		})
	}
	until(t, "requests are answered", first)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	wg.Wait()
	begun.Range(func(path, _ any) bool {
		if _, ok := answered.Load(path); !ok {
			t.Errorf("%s was begun and not answered", path)
		}
		return true
	})
}

func TestServeAfterTheEndIsRefused(t *testing.T) {
	s, _ := newServer(nil)
	if err := s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener is open: %v", err)
	}
}

// refusing fails to accept as long as it has errors.
type refusing struct {
	net.Listener
	errs []error
}

func (l *refusing) Accept() (net.Conn, error) {
	if len(l.errs) == 0 {
		return l.Listener.Accept()
	}
	err := l.errs[0]
	l.errs = l.errs[1:]
	return nil, err
}

type temporary struct{ error }

func (temporary) Temporary() bool { return true }
func (temporary) Timeout() bool   { return false }

func TestL13AcceptingGoesOnAfterErrorsThatPass(t *testing.T) {
	s, log := newServer(func(http.ResponseWriter, *http.Request) {})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	full := temporary{errors.New("too many open files")}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(&refusing{ln, []error{full, full}}) }()
	c := dial(t, ln.Addr().String())
	c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	c.all()
	_ = s.Close()
	if err := until(t, "Serve ends", ended); !errors.Is(err, http.ErrServerClosed) || strings.Count(log.String(), "too many open files") != 2 {
		t.Errorf("%v, log %s", err, log)
	}
	s, _ = newServer(nil)
	broken := errors.New("broken")
	if err := s.Serve(&refusing{ln, []error{broken}}); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestC15IdleAndWaitingConnectionsHoldNoBuffer(t *testing.T) {
	const many = 500
	var running sync.WaitGroup
	running.Add(many)
	goOn := make(chan struct{})
	var conns sync.Map
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, "data")
		w.(http.Flusher).Flush()
		conns.Store(w.(*response), true)
		running.Done()
		<-goOn
	})
	for range many {
		s.dial().send(head + "X-Big: " + strings.Repeat("b", 6000) + "\r\nContent-Length: 3\r\n\r\nabc")
	}
	running.Wait()
	conns.Range(func(k, _ any) bool {
		if w := k.(*response); w.c.buf != nil || w.c.block != nil || w.out != nil {
			t.Error("a buffer is held while a stream waits")
		}
		return true
	})
	close(goOn)
}

func TestWatcherTakesADescriptorThatWasClosedForItsNewConnection(t *testing.T) {
	cancelled := make(chan struct{}, 1)
	s := start(t, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-r.Context().Done()
			cancelled <- struct{}{}
		}
	})
	for range 200 {
		c := s.dial()
		c.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		c.all()
		_ = c.Close()
		w := s.dial()
		w.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = w.CloseWrite()
		until(t, "it is cancelled", cancelled)
		_ = w.Close()
	}
}

func TestCloseCancelsWhatRuns(t *testing.T) {
	bothWays(t, func(t *testing.T, start func(http.HandlerFunc) *server) {
		running, cancelled := make(chan struct{}), make(chan struct{})
		s := start(func(_ http.ResponseWriter, r *http.Request) { close(running); <-r.Context().Done(); close(cancelled) })
		s.dial().send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		until(t, "it runs", running)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		until(t, "it is cancelled", cancelled)
	})
}
