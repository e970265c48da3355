package http1

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// piped is a client whose upstream is serve over pipes, for tests with a false
// clock; each connection is served once.
func piped(t *testing.T, serve func(c net.Conn, r *bufio.Reader)) *Client {
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	return client(t, func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		serving.Go(func() {
			defer far.Close()
			serve(far, bufio.NewReader(far))
		})
		return near, nil
	})
}

const okHeader = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

// drip answers with n chunks, a pause before each.
func drip(n int, pause time.Duration) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if !readRequest(r) {
			return
		}
		_, _ = io.WriteString(c, okHeader)
		for range n {
			time.Sleep(pause)
			if _, err := io.WriteString(c, "1\r\nx\r\n"); err != nil {
				return
			}
		}
		_, _ = io.WriteString(c, "0\r\n\r\n")
	}
}

// trickle answers with raw, a byte a second.
func trickle(raw string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		if !readRequest(r) {
			return
		}
		for i := range len(raw) {
			time.Sleep(time.Second)
			if _, err := io.WriteString(c, raw[i:i+1]); err != nil {
				return
			}
		}
	}
}

func silent(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }

// deaf takes nothing and says nothing.
func deaf(net.Conn, *bufio.Reader) { time.Sleep(time.Hour) }

func TestStagesHaveLimits(t *testing.T) {
	limits := Limits{Header: 10 * time.Second, Idle: 5 * time.Second, Total: time.Minute}
	for name, tc := range map[string]struct {
		serve func(net.Conn, *bufio.Reader)
		body  int
		want  *TimeoutError
		after time.Duration
	}{
		"U05 never answers":           {silent, 2, &TimeoutError{StageHeader, limits.Header}, 10 * time.Second},
		"takes nothing":               {deaf, 2, &TimeoutError{StageHeader, limits.Header}, 10 * time.Second},
		"takes nothing of much":       {deaf, 1 << 20, &TimeoutError{StageHeader, limits.Header}, 10 * time.Second},
		"U06 header by the byte":      {trickle(okHeader), 2, &TimeoutError{StageHeader, limits.Header}, 10 * time.Second},
		"U07 silence below the limit": {drip(8, 4500*time.Millisecond), 2, nil, 36 * time.Second},
		"U07 silence over the limit":  {drip(8, 5500*time.Millisecond), 2, &TimeoutError{StageIdle, limits.Idle}, 5 * time.Second},
		"U12 goes on and on":          {drip(1000, time.Second), 2, &TimeoutError{StageTotal, limits.Total}, time.Minute},
	} {
		check := func(t *testing.T, call func(*Client, *url.URL, []byte, Limits) (*Response, string, error)) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				_, _, err := call(piped(t, tc.serve), upURL, make([]byte, tc.body), limits)
				var late *TimeoutError
				if errors.As(err, &late); (late == nil) != (tc.want == nil) || late != nil && *late != *tc.want {
					t.Errorf("%v, want %v", err, tc.want)
				}
				if took := time.Since(began); took != tc.after {
					t.Errorf("after %v, want %v", took, tc.after)
				}
			})
		}
		t.Run(name, func(t *testing.T) { check(t, call) })
		t.Run(name+", waiting without a buffer", func(t *testing.T) { check(t, waitingCall) })
	}
}

// TestWaitGivesTheSameBody: whatever ends the body, and when it breaks off.
func TestWaitGivesTheSameBody(t *testing.T) {
	for _, answer := range []string{
		okAnswer, okHeader + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil the end",
		okHeader + "3\r\nabc\r\n2\r\nd", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
	} {
		u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
			if !readRequest(r) {
				return
			}
			for i := range len(answer) {
				_, _ = io.WriteString(c, answer[i:i+1])
			}
		})
		_, want, wantErr := call(tcp(t), u, nil, long)
		_, got, err := waitingCall(tcp(t), u, nil, long)
		if got != want || !errors.Is(err, wantErr) {
			t.Errorf("%q: %q %v, without waiting %q %v", answer, got, err, want, wantErr)
		}
	}
}

func TestR04LeavingEndsAWait(t *testing.T) {
	u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		if readRequest(r) {
			_, _ = io.WriteString(c, okHeader)
			_, _ = r.ReadByte()
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	a := &Response{}
	if err := tcp(t).Do(ctx, &Request{Method: "POST", URL: u, Limits: long}, a); err != nil {
		t.Fatal(err)
	}
	go cancel()
	if err := a.Wait(); err != context.Canceled {
		t.Error(err)
	}
}

func TestTotalShorterThanTheHeaderIsToldAsTheTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, err := call(piped(t, silent), upURL, nil, Limits{Header: time.Hour, Idle: time.Hour, Total: time.Second})
		var late *TimeoutError
		if !errors.As(err, &late) || *late != (TimeoutError{StageTotal, time.Second}) {
			t.Error(err)
		}
	})
}

func TestLimitOfACallDoesNotOutliveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, func(c net.Conn, r *bufio.Reader) {
			for _, pause := range []time.Duration{0, 30 * time.Second, 0} {
				if !readRequest(r) {
					return
				}
				time.Sleep(pause)
				_, _ = io.WriteString(c, okAnswer)
			}
		})
		for _, limit := range []time.Duration{time.Second, time.Minute, time.Second} {
			if _, _, err := call(c, upURL, []byte("{}"), Limits{Header: limit, Idle: limit, Total: limit}); err != nil {
				t.Fatalf("limit %v: %v", limit, err)
			}
		}
	})
}

func TestTimeNobodyReadsIsNotTheUpstreamsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &Response{}
		q := &Request{Method: "POST", URL: upURL, Limits: Limits{Header: time.Second, Idle: time.Second, Total: time.Hour}}
		if err := piped(t, drip(1, 0)).Do(t.Context(), q, a); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if body, err := io.ReadAll(a); err != nil || string(body) != "x" {
			t.Errorf("%q %v", body, err)
		}
	})
}

func TestDialHasTheLimitOfTheHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := client(t, func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		_, _, err := call(c, upURL, nil, Limits{Header: time.Second, Idle: time.Hour, Total: time.Hour})
		var late *TimeoutError
		if !errors.As(err, &late) || late.Stage != StageHeader {
			t.Error(err)
		}
	})
}

func TestLeavingEndsTheCallInEveryPhase(t *testing.T) {
	for name, tc := range map[string]struct {
		serve func(net.Conn, *bufio.Reader)
		body  int
	}{
		"U03 dial":        {nil, 2},
		"write":           {deaf, 2},
		"write of much":   {deaf, 1 << 20},
		"header":          {silent, 2},
		"half a header":   {trickle("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 200)), 2},
		"body":            {drip(2, time.Hour), 2},
		"middle of chunk": {trickle(okHeader + "ffff\r\n" + strings.Repeat("x", 1<<10)), 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := piped(t, tc.serve)
				if tc.serve == nil {
					c.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
				}
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(100*time.Second, cancel)
				began := time.Now()
				a := &Response{}
				err := c.Do(ctx, &Request{Method: "POST", URL: upURL, Body: make([]byte, tc.body), Limits: Limits{time.Hour, time.Hour, time.Hour}}, a)
				if err == nil {
					_, err = io.ReadAll(a)
					a.Close()
				}
				if took := time.Since(began); err != context.Canceled || took != 100*time.Second {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}

func TestR04UpstreamSeesTheClientLeaveWhileNobodyReads(t *testing.T) {
	gone := make(chan bool)
	u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		if readRequest(r) {
			_, _ = io.WriteString(c, okHeader)
			_, err := r.ReadByte()
			gone <- err != nil
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	a := &Response{}
	if err := tcp(t).Do(ctx, &Request{Method: "POST", URL: u, Limits: long}, a); err != nil {
		t.Fatal(err)
	}
	cancel()
	if !<-gone {
		t.Error("the connection stayed open")
	}
	if _, err := a.Read(make([]byte, 1)); err != context.Canceled {
		t.Error(err)
	}
	a.Close()
}

func TestCallThatHasEndedBeforeItBeginsDialsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := scripted(t).Do(ctx, &Request{Method: "POST", URL: upURL, Limits: long}, &Response{}); err != context.Canceled {
		t.Error(err)
	}
}

func TestLeavingAfterTheAnswerDoesNotTouchTheKeptConnection(t *testing.T) {
	u := server(t, func(n int, c *net.TCPConn, r *bufio.Reader) {
		for n == 0 && readRequest(r) {
			_, _ = io.WriteString(c, okAnswer)
		}
	})
	c := tcp(t)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		a := &Response{}
		err := c.Do(ctx, &Request{Method: http.MethodPost, URL: u, Limits: long}, a)
		if err == nil {
			_, err = io.ReadAll(a)
		}
		if err != nil {
			t.Fatal(err)
		}
		cancel()
	}
}
