package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// outcome is what a client sees of one exchange.
type outcome struct {
	status, header, body, trailer string
	kept                          bool // the connection served another request
}

// exchange sends a request, reads the answer, and tries another request.
func exchange(t *testing.T, addr, method, text string) outcome {
	t.Helper()
	c := dial(t, addr)
	c.send(text)
	a, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		return outcome{status: err.Error()}
	}
	b, err := io.ReadAll(a.Body)
	a.Header.Del("Date")
	o := outcome{
		status: fmt.Sprint(a.Proto, " ", a.Status, " ", a.ContentLength, a.TransferEncoding, a.Close),
		header: lines(a.Header), body: fmt.Sprintf("%q %v", b, err), trailer: lines(a.Trailer),
	}
	if _, err := io.WriteString(c, "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		return o
	}
	next, err := http.ReadResponse(c.r, nil)
	o.kept = err == nil && next.StatusCode == http.StatusTeapot
	return o
}

// get makes a request.
func get(method, version string, lines ...string) string {
	return method + " /a HTTP/" + version + "\r\nHost: x\r\n" + strings.Join(append(lines, ""), "\r\n") + "\r\n"
}

func write(t *testing.T, w io.Writer, n int, want error) {
	t.Helper()
	if _, err := w.Write(make([]byte, n)); !errors.Is(err, want) {
		t.Errorf("a write of %d bytes: %v, want %v", n, err, want)
	}
}

func field(w http.ResponseWriter, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		w.Header().Add(pairs[i], pairs[i+1])
	}
}

// handlers answer in all the ways that there are.
func handlers(t *testing.T) map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"nothing":          func(http.ResponseWriter, *http.Request) {},
		"small":            func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello") },
		"two writes":       func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<ht"); fmt.Fprint(w, "ml>") },
		"as much as waits": func(w http.ResponseWriter, _ *http.Request) { write(t, w, small, nil) },
		"more than waits":  func(w http.ResponseWriter, _ *http.Request) { write(t, w, small+1, nil) },
		"large":            func(w http.ResponseWriter, _ *http.Request) { write(t, w, 100_000, nil); write(t, w, 5, nil) },
		"many small writes": func(w http.ResponseWriter, _ *http.Request) {
			for range 5000 {
				write(t, w, 3, nil)
			}
		},
		"flushes": func(w http.ResponseWriter, _ *http.Request) {
			for _, s := range []string{"a", "", "bc", strings.Repeat("d", 5000)} {
				fmt.Fprint(w, s)
				w.(http.Flusher).Flush()
			}
		},
		"a flush first": func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush(); fmt.Fprint(w, "{}") },
		"a length":      func(w http.ResponseWriter, _ *http.Request) { field(w, "Content-Length", "5"); fmt.Fprint(w, "hello") },
		"a length, large": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Content-Length", "50000")
			write(t, w, 50000, nil)
		},
		"a length, flushed": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Content-Length", "4")
			fmt.Fprint(w, "ab")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "cd")
		},
		"less than the length": func(w http.ResponseWriter, _ *http.Request) { field(w, "Content-Length", "10"); fmt.Fprint(w, "hello") },
		"a type":               func(w http.ResponseWriter, _ *http.Request) { field(w, "Content-Type", "x/y"); fmt.Fprint(w, "<html>") },
		"no type": func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Content-Type"] = nil
			fmt.Fprint(w, "<html>")
		},
		"an encoding": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Content-Encoding", "gzip")
			fmt.Fprint(w, "<html>")
		},
		"several values": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "X-A", "1", "X-A", " 2 ", "x-b", "", "Set-Cookie", "a=b")
		},
		"line ends in a value": func(w http.ResponseWriter, _ *http.Request) { field(w, "X-A", "a\r\nX-B: b\n\r\n<html>\r") },
		"invalid name":         func(w http.ResponseWriter, _ *http.Request) { w.Header()["X A\r\nX-B"] = []string{"c"} },
		"connection close":     func(w http.ResponseWriter, _ *http.Request) { field(w, "Connection", "close"); fmt.Fprint(w, "a") },
		"connection other":     func(w http.ResponseWriter, _ *http.Request) { field(w, "Connection", "x-a", "X-A", "1") },
		"204": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(204)
			write(t, w, 1, http.ErrBodyNotAllowed)
		},
		"204 with a length": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Content-Length", "0", "Content-Type", "x/y")
			w.WriteHeader(204)
		},
		"304": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Content-Type", "x/y", "Etag", "a")
			w.WriteHeader(304)
		},
		"404":            func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"unknown status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(299); fmt.Fprint(w, "a") },
		"late header": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "X-A", "1")
			w.WriteHeader(201)
			field(w, "X-B", "2")
			w.WriteHeader(500)
			fmt.Fprint(w, "a")
		},
		"announced trailer": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Trailer", "X-T, X-U")
			fmt.Fprint(w, "a")
			field(w, "X-T", "1")
		},
		"trailer by prefix": func(w http.ResponseWriter, _ *http.Request) {
			write(t, w, 5000, nil)
			field(w, http.TrailerPrefix+"X-T", "1")
		},
		"reads the body": func(w http.ResponseWriter, r *http.Request) {
			b, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%q %v", b, err)
		},
		"reads some": func(w http.ResponseWriter, r *http.Request) {
			b := make([]byte, 2)
			n, _ := io.ReadFull(r.Body, b)
			fmt.Fprintf(w, "%q", b[:n])
		},
		"closes the body": func(w http.ResponseWriter, r *http.Request) {
			_ = r.Body.Close()
			_, err := r.Body.Read(make([]byte, 1))
			fmt.Fprint(w, err == io.EOF || errors.Is(err, http.ErrBodyReadAfterClose))
		},
		"string": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "abc") },
	}
}

// TestAnswersAreThoseOfNetHTTP compares every handler on every kind of request.
func TestAnswersAreThoseOfNetHTTP(t *testing.T) {
	requests := map[string][2]string{
		"GET":               {"GET", get("GET", "1.1")},
		"HEAD":              {"HEAD", get("HEAD", "1.1")},
		"GET close":         {"GET", get("GET", "1.1", "Connection: close")},
		"GET 1.0":           {"GET", get("GET", "1.0")},
		"GET 1.0 kept":      {"GET", get("GET", "1.0", "Connection: keep-alive")},
		"POST":              {"POST", get("POST", "1.1", "Content-Length: 3") + "abc"},
		"POST chunked":      {"POST", get("POST", "1.1", "Transfer-Encoding: chunked") + "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"},
		"POST large":        {"POST", get("POST", "1.1", "Content-Length: 100000") + strings.Repeat("x", 100_000)},
		"POST broken chunk": {"POST", get("POST", "1.1", "Transfer-Encoding: chunked") + "3\r\nabcd\r\n0\r\n\r\n"},
	}
	for name, h := range handlers(t) {
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/next" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			h(w, r)
		})
		ours, theirs := start(t, handler), httptest.NewUnstartedServer(handler)
		theirs.Config.ErrorLog = log.New(io.Discard, "", 0)
		theirs.Start()
		for kind, r := range requests {
			want, got := exchange(t, theirs.Listener.Addr().String(), r[0], r[1]), exchange(t, ours.addr, r[0], r[1])
			if kind == "POST broken chunk" && strings.HasPrefix(name, "reads the body") {
				got.body, want.body, got.header, want.header, got.status, want.status = "", "", "", "", "", "" // other words
			}
			if got != want {
				t.Errorf("%s, %s:\n got %.700s\nwant %.700s", name, kind, fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want))
			}
		}
		theirs.Close()
	}
}

func TestBodyThatWasPassedOverForTheAnswerDoesNotLookWhole(t *testing.T) {
	errs := make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		_, err := io.ReadAll(r.Body)
		errs <- err
	})
	c := s.dial()
	c.send(get("POST", "1.1", "Content-Length: 3") + "abc")
	if err := until(t, "the body ends", errs); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("%v", err)
	}
}

func TestInvalidLengthOfAHandlerIsLeftOut(t *testing.T) {
	for _, length := range []string{"5x", "-1", ""} {
		text := strings.Join(writes(t, func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Content-Length", length)
			fmt.Fprint(w, "hello")
		}), "")
		if !strings.Contains(text, "\r\nContent-Length: 5\r\n") {
			t.Errorf("%q: %q", length, text)
		}
	}
}

func TestFramingFieldsAreOursInWhateverCase(t *testing.T) {
	text := strings.Join(writes(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["content-length"], w.Header()["transfer-encoding"] = []string{"9"}, []string{"chunked"}
		fmt.Fprint(w, "hello")
	}), "")
	if strings.Contains(text, "9\r\n") || strings.Contains(text, "chunked") || !strings.Contains(text, "\r\nContent-Length: 5\r\n") {
		t.Errorf("%q", text)
	}
}

// counted counts writes.
type counted struct {
	net.Conn
	writes *[]string
}

func (c counted) Write(p []byte) (int, error) {
	*c.writes = append(*c.writes, string(p))
	return c.Conn.Write(p)
}

// writes serves one request and returns what was written for it, write by write.
func writes(t *testing.T, h http.HandlerFunc) []string {
	t.Helper()
	s, _ := newServer(h)
	s.users = 2
	var all []string
	conn := &script{pieces: [][]byte{[]byte(get("GET", "1.1"))}}
	newConn(s, counted{conn, &all}).serve()
	return all
}

func TestSmallAnswerIsOneWrite(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"no length": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "a"); fmt.Fprint(w, "b") },
		"a length": func(w http.ResponseWriter, _ *http.Request) {
			field(w, "Content-Length", "3000")
			write(t, w, 3000, nil)
		},
		"nothing": func(http.ResponseWriter, *http.Request) {},
	} {
		if got := writes(t, h); len(got) != 1 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestFlushIsOneWriteAndOneChunk(t *testing.T) {
	got := writes(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 3 {
			fmt.Fprint(w, "data: ")
			fmt.Fprint(w, "x\n\n")
			w.(http.Flusher).Flush()
			w.(http.Flusher).Flush() // nothing waits
		}
	})
	if len(got) != 4 || !strings.HasSuffix(got[0], "\r\n\r\n9\r\ndata: x\n\n\r\n") || got[1] != "9\r\ndata: x\n\n\r\n" || got[3] != "0\r\n\r\n" {
		t.Errorf("%q", got)
	}
}

func TestInterimAnswersAreSentAtOnce(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		field(w, "Link", "</a>", "Content-Length", "2")
		w.WriteHeader(103)
		w.WriteHeader(102)
		fmt.Fprint(w, "ok")
	})
	c := s.dial()
	c.send(get("GET", "1.1", "Connection: close"))
	text := c.all()
	if !strings.HasPrefix(text, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n") || !strings.HasSuffix(text, "\r\n\r\nok") {
		t.Errorf("%q", text)
	}
}

func TestContinueIsSentWhenTheBodyIsRead(t *testing.T) {
	read := make(chan bool, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if !<-read {
			return
		}
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", b, err)
	})
	c := s.dial()
	c.send(get("POST", "1.1", "Expect: 100-Continue", "Content-Length: 2"))
	read <- true
	if line, _ := c.r.ReadString('\n'); line != "HTTP/1.1 100 Continue\r\n" {
		t.Fatalf("%q", line)
	}
	_, _ = c.r.ReadString('\n')
	c.send("ab")
	if a, b := c.answer("POST"); b != "ab <nil>" || a.Close {
		t.Errorf("%q, close %v", b, a.Close)
	}
	// A body that is not asked for never comes, so nothing can follow.
	c.send(get("POST", "1.1", "Expect: 100-continue", "Content-Length: 2"))
	read <- false
	if a, _ := c.answer("POST"); a.StatusCode != 200 || !a.Close {
		t.Errorf("%d, close %v", a.StatusCode, a.Close)
	}
	if rest := c.all(); rest != "" {
		t.Errorf("%q", rest)
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s%s", r.URL.Path, b)
	})
	c := s.dial()
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n!", i)
	}
	go c.send(text.String())
	for i := range 300 {
		if _, b := c.answer("POST"); b != fmt.Sprintf("/%d!", i) {
			t.Fatalf("answer %d: %q", i, b)
		}
	}
}

func TestL15PanicLosesOneConnectionAndIsLogged(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		if r.URL.Path == "/flushed" {
			w.(http.Flusher).Flush()
		}
		if r.URL.Path == "/quiet" {
			panic(http.ErrAbortHandler)
		}
		panic("oops")
	})
	for path, want := range map[string]string{"/quiet": "", "/a": "", "/flushed": "half\r\n"} {
		c := s.dial()
		c.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n")
		if got := c.all(); !strings.HasSuffix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q", path, got)
		}
	}
	if text := s.log.String(); strings.Count(text, "oops") != 2 || !strings.Contains(text, "response_test.go") {
		t.Errorf("log: %s", text)
	}
}

func TestHijackGivesTheConnectionWithWhatWasRead(t *testing.T) {
	ended := make(chan error, 1)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		field(w, "Upgrade", "x", "Connection", "Upgrade")
		w.WriteHeader(http.StatusSwitchingProtocols)
		nc, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			ended <- err
			return
		}
		defer nc.Close()
		n := rw.Reader.Buffered()
		line, _ := rw.ReadString('\n')
		fmt.Fprintf(rw, "%s %d\n", strings.TrimSpace(line), n)
		_ = rw.Flush()
		_, err = w.Write([]byte("x"))
		if _, _, again := http.NewResponseController(w).Hijack(); !errors.Is(again, http.ErrHijacked) || r.Context().Err() != nil {
			err = again
		}
		line, _ = rw.ReadString('\n')
		_, _ = nc.Write([]byte(line))
		ended <- err
	})
	c := s.dial()
	c.send(get("GET", "1.1", "Connection: upgrade", "Upgrade: x") + "first\n")
	a, err := http.ReadResponse(c.r, nil)
	if err != nil || a.StatusCode != 101 || a.Header.Get("Connection") != "Upgrade" || a.Header.Get("Content-Length") != "" {
		t.Fatalf("%v %v", a, err)
	}
	if line, _ := c.r.ReadString('\n'); line != "first 6\n" {
		t.Errorf("%q", line)
	}
	c.send("second\n")
	if line, _ := c.r.ReadString('\n'); line != "second\n" {
		t.Errorf("%q", line)
	}
	if err := until(t, "the handler ends", ended); !errors.Is(err, http.ErrHijacked) {
		t.Errorf("a write after taking over: %v", err)
	}
}

func TestUnreadBodyIsReadWhenItIsSmallElseTheConnectionCloses(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) })
	for _, size := range []int{10, 200_000, 300_000, 10 << 20} {
		c := s.dial()
		go func() {
			_, _ = io.WriteString(c, get("POST", "1.1", fmt.Sprintf("Content-Length: %d", size)))
			_, _ = c.Write(make([]byte, size))
		}()
		a, _ := c.answer("POST")
		if a.StatusCode != http.StatusUnauthorized || a.Close != (size > maxRest) {
			t.Errorf("%d bytes: %d, close %v", size, a.StatusCode, a.Close)
		}
	}
}

func TestWriteAfterTheHandlerIsRefused(t *testing.T) {
	kept := make(chan http.ResponseWriter, 1)
	s := start(t, func(w http.ResponseWriter, _ *http.Request) { kept <- w })
	c := s.dial()
	c.send(get("GET", "1.1"))
	c.answer("GET")
	w := <-kept
	if _, err := w.Write([]byte("late")); err == nil {
		t.Error("a late write was taken")
	}
	c.send(get("GET", "1.1", "Connection: close"))
	if text := c.all(); strings.Contains(text, "late") {
		t.Errorf("%q", text)
	}
}

func TestDateIsOfTheSecond(t *testing.T) {
	before := time.Now().Truncate(time.Second)
	s := start(t, func(http.ResponseWriter, *http.Request) {})
	c := s.dial()
	c.send(get("GET", "1.1"))
	a, _ := c.answer("GET")
	if d, err := http.ParseTime(a.Header.Get("Date")); err != nil || d.Before(before) || d.After(time.Now()) {
		t.Errorf("%v %v", d, err)
	}
}

// TestOfficialClientIsServed runs net/http's client, which checks much, with
// several requests at once.
func TestOfficialClientIsServed(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); !ok || local.String() == r.RemoteAddr || r.TLS != nil {
			t.Error("the addresses are wrong")
		}
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		if _, err := io.Copy(w, bufio.NewReader(r.Body)); err != nil {
			t.Error(err)
		}
	})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	done := make(chan error)
	for i := range 8 {
		go func() {
			var err error
			for j := 0; j < 50 && err == nil; j++ {
				err = echo(transport, s.addr, strings.Repeat("x", i*j*97))
			}
			done <- err
		}()
	}
	for range 8 {
		if err := until(t, "the clients end", done); err != nil {
			t.Error(err)
		}
	}
}

func echo(transport *http.Transport, addr, text string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, "POST", "http://"+addr+"/", io.MultiReader(strings.NewReader(text)))
	if err != nil {
		return err
	}
	a, err := transport.RoundTrip(q)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err == nil && string(b) != text {
		err = fmt.Errorf("%d bytes came back of %d", len(b), len(text))
	}
	return err
}
