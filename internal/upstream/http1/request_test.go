package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func scriptOf(answer string) *script { return &script{pieces: [][]byte{[]byte(answer)}} }

func TestRequestIsOneWriteThatNetHTTPReads(t *testing.T) {
	for _, size := range []int{0, 1, 5 << 10, writeSize, 1 << 20} {
		conn := scriptOf(okAnswer)
		u := &url.URL{Scheme: "http", Host: "up:8080", Path: "/v1/a b/x", RawPath: "/v1/a%20b/x", RawQuery: "alt=sse"}
		body := bytes.Repeat([]byte("b"), size)
		h := http.Header{
			"Authorization": {"Bearer k"}, "X-Two": {"1", "2"}, "Host": {"other"}, "content-length": {"7"},
			"Transfer-Encoding": {"chunked"}, "Trailer": {"X"},
		}
		a := &Response{}
		if err := scripted(t, conn).Do(context.Background(), &Request{Method: "POST", URL: u, Header: h, Body: body, Limits: long}, a); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(a); err != nil {
			t.Fatal(err)
		}
		q, err := http.ReadRequest(bufio.NewReader(&conn.written))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(q.Body)
		if err != nil || !bytes.Equal(got, body) || q.RequestURI != "/v1/a%20b/x?alt=sse" || q.Host != "up:8080" {
			t.Errorf("%s %s with %d bytes, %v", q.Host, q.RequestURI, len(got), err)
		}
		if len(q.Header) != 3 || q.Header.Get("Authorization") != "Bearer k" || len(q.Header["X-Two"]) != 2 || q.Header.Get("Content-Length") == "7" {
			t.Errorf("header %v", q.Header)
		}
		if size <= 5<<10 && conn.writes != 1 {
			t.Errorf("%d bytes took %d writes", size, conn.writes)
		}
	}
}

// TestBodyInPiecesIsOneBody: pieces arrive in order, whatever part of them fits into
// the first write, and also when the upstream reads slowly.
func TestBodyInPiecesIsOneBody(t *testing.T) {
	many := make([]int, 200) // more than one call of the system takes
	for i := range many {
		many[i] = i % 3 * 50_000
	}
	for _, sizes := range [][]int{{0, 5}, {5, 0, 7}, {writeSize, 3, writeSize}, {10, 1 << 20, 1, 8 << 20, 2}, many} {
		var whole []byte
		var pieces [][]byte
		for i, n := range sizes {
			pieces = append(pieces, bytes.Repeat([]byte{byte(i)}, n))
			whole = append(whole, pieces[i]...)
		}
		got := make(chan []byte, 1)
		u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body, _ := io.ReadAll(q.Body)
			got <- body
			io.WriteString(c, okAnswer)
		})
		a := &Response{}
		if err := tcp(t).Do(context.Background(), &Request{Method: "POST", URL: u, Body: pieces[0], Rest: pieces[1:], Limits: long}, a); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(a); err != nil {
			t.Fatal(err)
		}
		if body := <-got; !bytes.Equal(body, whole) {
			t.Errorf("%v: %d bytes arrived, want %d", sizes, len(body), len(whole))
		}
	}
}

func TestS27RequestThatWouldForgeHeadersIsNotSent(t *testing.T) {
	for field, q := range map[string]*Request{
		"X":            {Header: http.Header{"X": {"a\r\nY: b"}}},
		"Y":            {Header: http.Header{"Y": {"a\nb"}}},
		"Z":            {Header: http.Header{"Z": {"a\x00"}}},
		"A: b\r\nC":    {Header: http.Header{"A: b\r\nC": {"d"}}},
		"":             {Header: http.Header{"": {"d"}}},
		"the method":   {Method: "GET / HTTP/1.1\r\nX:"},
		"the path":     {URL: &url.URL{Scheme: "http", Host: "up", RawQuery: "a\r\nb"}},
		"path by host": {URL: &url.URL{Scheme: "http", Host: "up"}, Header: http.Header{"path by host": nil}},
	} {
		q.Limits = long
		if q.Method == "" {
			q.Method = "POST"
		}
		if q.URL == nil {
			q.URL = upURL
		}
		err := scripted(t).Do(context.Background(), q, &Response{})
		var wrong *FieldError
		if !errors.As(err, &wrong) || wrong.Field != field || strings.ContainsAny(err.Error(), "\r\n\x00") {
			t.Errorf("%q: %v", field, err)
		}
		if len(q.Header) > 0 && CheckHeader(q.Header) == nil {
			t.Errorf("%q: CheckHeader takes it", field)
		}
	}
	if err := CheckHeader(http.Header{"X-A": {"b", "c é\t"}}); err != nil {
		t.Error(err)
	}
}

func TestOnlyPlainHostsOfHTTPAreSpokenTo(t *testing.T) {
	for address, want := range map[string]bool{
		"http://a": true, "http://a:1/x": true, "http://[::1]:1": true, "https://a": true, "ftp://a": false, "http://[fe80::1%25eth0]": false,
		"http://bücher.example": false, "http:opaque": false, "http:///x": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if Speaks(u) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
	for host, want := range map[string]string{"a": "a:80", "a:": "a:80", "a:81": "a:81", "[::1]": "[::1]:80"} {
		if got := hostPort(&url.URL{Host: host}); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
	if got := hostPort(&url.URL{Scheme: "https", Host: "a"}); got != "a:443" {
		t.Error(got)
	}
}

func TestRequestWithoutPathOrBody(t *testing.T) {
	conn := scriptOf(okAnswer)
	a := &Response{}
	if err := scripted(t, conn).Do(context.Background(), &Request{Method: "GET", URL: &url.URL{Scheme: "http", Host: "up:"}, Limits: long}, a); err != nil {
		t.Fatal(err)
	}
	a.Close()
	if got := conn.written.String(); got != "GET / HTTP/1.1\r\nHost: up\r\n\r\n" {
		t.Errorf("%q", got)
	}
}
