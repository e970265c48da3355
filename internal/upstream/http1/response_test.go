package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// answers are whole answers with their bodies, in the forms that upstreams send.
var answers = []struct{ raw, body string }{
	{"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\nx-request-ID: r1\r\n\r\n{\"a\":[1,2,3]}", `{"a":[1,2,3]}`},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n0A;x=\"y\"\r\ndata: 22\n\n\r\n0\r\nX-Usage: 3\r\n\r\n", "data: 1\n\ndata: 22\n\n"},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno", "no"},
	{"HTTP/1.0 200 OK\nServer: old\n\nuntil the end", "until the end"},
	{"HTTP/1.1 204 No Content\r\nX-A: 1\r\nx-a: 2\r\n\r\n", ""},
	{"HTTP/1.1 200\r\nTRANSFER-ENCODING: Chunked \r\n\r\n1 \r\nx\r\n000\r\n\r\n", "x"},
}

// read gives what net/http understands of an answer, interim answers passed over.
func read(raw []byte) (*http.Response, []byte, error) {
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		resp, err := http.ReadResponse(r, &http.Request{Method: "POST"})
		if err != nil {
			return nil, nil, err
		}
		if resp.StatusCode >= 200 {
			body, err := io.ReadAll(resp.Body)
			return resp, body, err
		}
	}
}

func TestU18AnswerIsTheSameHoweverItIsSplit(t *testing.T) {
	for _, tc := range answers {
		want, _, err := read([]byte(tc.raw))
		if err != nil {
			t.Fatal(err)
		}
		check := func(pieces ...[]byte) {
			t.Helper()
			a, body, err := call(scripted(t, &script{pieces: pieces}), upURL, []byte("{}"), long)
			if err != nil || body != tc.body || a.Status != want.StatusCode || !reflect.DeepEqual(a.Header, want.Header) {
				t.Fatalf("%q in %d pieces: %d %v %q %v", tc.raw, len(pieces), a.Status, a.Header, body, err)
			}
		}
		raw := []byte(tc.raw)
		for i := range raw {
			check(bytes.Clone(raw[:i]), bytes.Clone(raw[i:]))
		}
		check(bytes.SplitAfter(bytes.Clone(raw), nil)...)
	}
}

func TestU20AnswerThatBreaksOffAnywhereIsNoWholeAnswer(t *testing.T) {
	for _, tc := range answers {
		if strings.HasPrefix(tc.raw, "HTTP/1.0") {
			continue // its end is the end of the connection
		}
		for i := range len(tc.raw) {
			_, _, err := call(scripted(t, &script{pieces: [][]byte{[]byte(tc.raw[:i])}}), upURL, nil, long)
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("%q cut at %d: %v", tc.raw, i, err)
			}
		}
	}
}

func TestAmbiguousOrBrokenAnswersAreRefused(t *testing.T) {
	ok := "HTTP/1.1 200 OK\r\n"
	for name, raw := range map[string]string{
		"length and chunks":       ok + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"two lengths":             ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"list of lengths":         ok + "Content-Length: 1, 1\r\n\r\na",
		"signed length":           ok + "Content-Length: +1\r\n\r\na",
		"empty length":            ok + "Content-Length:\r\n\r\na",
		"endless length":          ok + "Content-Length: 1000000000000000000\r\n\r\na",
		"gzip coding":             ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"coding twice":            ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunks of HTTP/1.0":      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"folded line":             ok + "X: a\r\n b\r\n\r\n",
		"space before colon":      ok + "X : a\r\n\r\n",
		"no name":                 ok + ": a\r\n\r\n",
		"no colon":                ok + "nothing\r\n\r\n",
		"NUL in a value":          ok + "X: a\x00b\r\n\r\n",
		"CR in a value":           ok + "X: a\rb\r\n\r\n",
		"HTTP/2.0":                "HTTP/2.0 200 OK\r\n\r\n",
		"two digits":              "HTTP/1.1 20 OK\r\n\r\n",
		"four digits":             "HTTP/1.1 2000 OK\r\n\r\n",
		"status 099":              "HTTP/1.1 099 OK\r\n\r\n",
		"banner":                  "SSH-2.0-x\r\n",
		"empty line first":        "\r\n" + ok + "\r\n",
		"switching":               "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
		"17 interim answers":      strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 17) + ok + "\r\n",
		"large interim answers":   strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: "+strings.Repeat("x", 8<<10)+"\r\n\r\n", 10),
		"large header":            ok + "X: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"endless header":          ok + "X: " + strings.Repeat("x", 1<<20),
		"many header lines":       ok + strings.Repeat("X: 1\r\n", 1001) + "\r\n",
		"chunk size no number":    ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		"chunk size missing":      ok + "Transfer-Encoding: chunked\r\n\r\n\r\n",
		"chunk size signed":       ok + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
		"chunk size 0x":           ok + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
		"chunk size too long":     ok + "Transfer-Encoding: chunked\r\n\r\n0000000000000001\r\na\r\n0\r\n\r\n",
		"chunk line bare LF":      ok + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
		"chunk longer":            ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
		"chunk extension control": ok + "Transfer-Encoding: chunked\r\n\r\n1;\x01\r\na\r\n0\r\n\r\n",
		"long chunk line":         ok + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 3000) + "\r\na\r\n0\r\n\r\n",
		"endless chunk line":      ok + "Transfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 1<<20),
		"only extensions":         ok + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\na\r\n", 20) + "0\r\n\r\n",
		"long trailer":            ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + strings.Repeat("X: 1\r\n", 1000) + "\r\n",
		"broken trailer":          ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nnothing\r\n\r\n",
	} {
		_, _, err := call(scripted(t, &script{pieces: [][]byte{[]byte(raw)}}), upURL, nil, long)
		var broken *ProtocolError
		if !errors.As(err, &broken) || len(err.Error()) > 100 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHeaderMayFillItsLimit(t *testing.T) {
	for _, size := range []int{4000, 4096, 5000, 60 << 10} {
		raw := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: " + strings.Repeat("x", size) + "\r\n\r\nok"
		a, body, err := call(scripted(t, &script{pieces: [][]byte{[]byte(raw)}}), upURL, nil, long)
		if err != nil || body != "ok" || len(a.Header.Get("X")) != size {
			t.Errorf("%d bytes: %q %v", size, body, err)
		}
	}
}

func TestAnswersWithoutABody(t *testing.T) {
	for _, tc := range []struct {
		method, raw string
		reused      bool
	}{
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true},
		{"POST", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", true},
		{"POST", "HTTP/1.1 204 No Content\r\n\r\n", true},
		{"POST", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", false},
		{"POST", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", false},
		{"POST", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
	} {
		conn := &script{pieces: [][]byte{[]byte(tc.raw)}}
		a := &Response{}
		err := scripted(t, conn).Do(context.Background(), &Request{Method: tc.method, URL: upURL, Limits: long}, a)
		if err != nil || a.Length != 0 || conn.closed == tc.reused {
			t.Errorf("%s %q: length %d closed %v %v", tc.method, tc.raw, a.Length, conn.closed, err)
		}
		if n, err := a.Read(make([]byte, 9)); n != 0 || err != io.EOF {
			t.Errorf("%s %q: read %d %v", tc.method, tc.raw, n, err)
		}
	}
}

func TestReadsOfOneByteGiveTheSameBody(t *testing.T) {
	for _, tc := range answers {
		a := &Response{}
		err := scripted(t, &script{pieces: [][]byte{[]byte(tc.raw)}}).Do(context.Background(), &Request{Method: "POST", URL: upURL, Limits: long}, a)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := a.Read(nil); n != 0 || err != nil && tc.body != "" {
			t.Errorf("%q: an empty read gave %d %v", tc.raw, n, err)
		}
		var got []byte
		for err == nil {
			var p [1]byte
			var n int
			n, err = a.Read(p[:])
			got = append(got, p[:n]...)
		}
		if string(got) != tc.body || err != io.EOF {
			t.Errorf("%q: %q %v", tc.raw, got, err)
		}
		a.Close()
	}
}

func TestLargeChunksGoPastTheBuffer(t *testing.T) {
	data := strings.Repeat("0123456789abcdef", 4<<10)
	raw := fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", len(data), data, 100, data[:100])
	_, body, err := call(scripted(t, &script{pieces: [][]byte{[]byte(raw)}}), upURL, nil, long)
	if err != nil || body != data+data[:100] {
		t.Errorf("%d bytes %v", len(body), err)
	}
}

// FuzzResponse holds the client to net/http: what it accepts, net/http accepts,
// with the same status, header and body. It may refuse more.
func FuzzResponse(f *testing.F) {
	for _, tc := range answers {
		f.Add([]byte(tc.raw))
	}
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		conn := &script{pieces: [][]byte{bytes.Clone(raw)}}
		a, body, err := call(scripted(t, conn), upURL, nil, long)
		if err != nil {
			return
		}
		want, wantBody, err := read(raw)
		if err != nil && strings.Contains(err.Error(), "bad trailer key") {
			return // trailers are thrown away here, whatever their names
		}
		if err != nil || want.StatusCode != a.Status || string(wantBody) != body {
			t.Fatalf("%q: %d %q, net/http has %v %q %v", raw, a.Status, body, want, wantBody, err)
		}
		if !reflect.DeepEqual(a.Header, want.Header) && want.Header.Get("Trailer")+a.Header.Get("Trailer") == "" {
			t.Fatalf("%q: header %v, net/http has %v", raw, a.Header, want.Header)
		}
	})
}
