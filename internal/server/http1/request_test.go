package http1

import (
	"bufio"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// good are requests as clients send them, one or more on a connection.
var good = []string{
	"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a%20b/c?x=%zz&y HTTP/1.1\r\nhost: example.com:80\r\nx-a:  b c \t\r\nX-A: d\r\nX-EMPTY:\r\n\r\n",
	"GET //a//b? HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a??b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /ü<>?ü HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET http://y/a?b HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET http://y HTTP/1.1\r\nHost: x\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	"CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n",
	"CONNECT /rpc HTTP/1.1\r\nHost: y\r\n\r\n",
	"GET / HTTP/1.0\r\n\r\n",
	"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n",
	"GET / HTTP/1.1\r\nHost: x\r\nConnection: foo , Close\r\n\r\n",
	"GET / HTTP/1.1\r\nHost:\r\nPragma: no-cache\r\nUser-Agent: ü\xff\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: x-t, Y\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\nZ: 2\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\nx\r\n", 3000) + "0\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("0123456789", 2000) + "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nX-Big: " + strings.Repeat("b", 10000) + "\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nab",
	"POST / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: 1\r\nX-Other: 2\r\n", 40) + "\r\n",
	"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab", // breaks off
}

// reference reads requests with net/http.
func reference(text string, n int) []seen {
	var all []seen
	r := bufio.NewReader(strings.NewReader(text))
	for range n {
		q, err := http.ReadRequest(r)
		if err != nil {
			return append(all, seen{Head: err.Error()})
		}
		all = append(all, see(q))
		if b, _ := r.Peek(2); q.Method == http.MethodPost && string(b) == "\r\n" {
			_, _ = r.Discard(2) // as its server does
		}
	}
	return all
}

func TestHandlerSeesOfARequestWhatNetHTTPWouldShowIt(t *testing.T) {
	for _, text := range good {
		got, answers := feed(text)
		if len(got) == 0 {
			t.Errorf("%.60q: refused: %s", text, answers)
			continue
		}
		if want := reference(text, len(got)); !reflect.DeepEqual(got, want) {
			t.Errorf("%.60q:\n got %q\nwant %q", text, got, want)
		}
		if requests := strings.Count(text, " HTTP/1."); len(got) != requests {
			t.Errorf("%.60q: %d requests of %d", text, len(got), requests)
		}
	}
}

func TestRequestMayArriveInAnyPieces(t *testing.T) {
	for _, text := range good {
		if len(text) > 2000 {
			continue
		}
		whole, answers := feed(text)
		for i := range len(text) {
			got, same := feed(text[:i], text[i:])
			if !reflect.DeepEqual(got, whole) || strings.Count(same, "HTTP/1.") != strings.Count(answers, "HTTP/1.") {
				t.Fatalf("%.60q split at %d: %q, want %q", text, i, got, whole)
			}
		}
		if got, _ := feed(strings.Split(text, "")...); !reflect.DeepEqual(got, whole) {
			t.Errorf("%.60q byte by byte: %q", text, got)
		}
	}
}

const head = "POST / HTTP/1.1\r\nHost: x\r\n"

// refusals are no requests, or such as two readers could understand in two ways.
var refusals = map[string]struct {
	text   string
	status string
}{
	"length beside chunks":        {head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
	"chunks beside length":        {head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400"},
	"two lengths":                 {head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "400"},
	"list of lengths":             {head + "Content-Length: 5, 5\r\n\r\nabcde", "400"},
	"signed length":               {head + "Content-Length: +5\r\n\r\nabcde", "400"},
	"negative length":             {head + "Content-Length: -5\r\n\r\nabcde", "400"},
	"empty length":                {head + "Content-Length:\r\n\r\nabcde", "400"},
	"length beyond 64 bits":       {head + "Content-Length: 9999999999999999999\r\n\r\n", "400"},
	"folded line":                 {head + "X-A: b\r\n c\r\n\r\n", "400"},
	"folded first line":           {"POST / HTTP/1.1\r\n Host: x\r\n\r\n", "400"},
	"bare line feeds":             {"GET / HTTP/1.1\nHost: x\n\n", "400"},
	"one bare line feed":          {head + "X-A: b\nX-B: c\r\n\r\n", "400"},
	"bare line feed at the end":   {head + "\n", "400"},
	"bare carriage return":        {head + "X-A: b\rX-B: c\r\n\r\n", "400"},
	"NUL in a value":              {head + "X-A: b\x00c\r\n\r\n", "400"},
	"NUL in a name":               {head + "X\x00A: b\r\n\r\n", "400"},
	"other letters in a name":     {head + "X-Ü: b\r\n\r\n", "400"},
	"space before the colon":      {head + "X-A : b\r\n\r\n", "400"},
	"tab before the colon":        {head + "X-A\t: b\r\n\r\n", "400"},
	"line without a colon":        {head + "X-A\r\n\r\n", "400"},
	"line without a name":         {head + ": a\r\n\r\n", "400"},
	"no host":                     {"GET / HTTP/1.1\r\n\r\n", "400"},
	"two hosts":                   {head + "Host: y\r\n\r\n", "400"},
	"the same host twice":         {head + "Host: x\r\n\r\n", "400"},
	"two hosts in HTTP/1.0":       {"GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", "400"},
	"host with a path":            {"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", "400"},
	"host with a user":            {"GET / HTTP/1.1\r\nHost: a@x\r\n\r\n", "400"},
	"no target":                   {"GET HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"empty target":                {"GET  HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"target without a slash":      {"GET a HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"star for GET":                {"GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"control byte in the target":  {"GET /a\x01 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"user in the target":          {"GET http://a@x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"user of a tunnel":            {"CONNECT a@x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"other scheme":                {"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"scheme without a host":       {"GET http:/x HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"opaque target":               {"GET mailto:x HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"odd host in the target":      {"GET http://x\"y/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"bad escape in the target":    {"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"two spaces":                  {"GET /  HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"invalid method":              {"GE[T / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"empty line first":            {"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "400"},
	"TLS":                         {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400"},
	"no version":                  {"GET /\r\n\r\n", "400"},
	"malformed version":           {"GET / HTTP/1.x\r\nHost: x\r\n\r\n", "400"},
	"lower case version":          {"GET / http/1.1\r\nHost: x\r\n\r\n", "400"},
	"version 2":                   {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
	"version 1.2":                 {"GET / HTTP/1.2\r\nHost: x\r\n\r\n", "505"},
	"unknown encoding":            {head + "Transfer-Encoding: gzip\r\n\r\n", "501"},
	"two encodings":               {head + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"},
	"chunked twice":               {head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "501"},
	"almost chunked":              {head + "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n", "400"},
	"chunks in HTTP/1.0":          {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
	"a length as a trailer":       {head + "Transfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\n\r\n", "400"},
	"unknown expectation":         {head + "Expect: tea\r\nContent-Length: 1\r\n\r\na", "417"},
	"long target":                 {"GET /" + strings.Repeat("a", 70<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", "414"},
	"long header":                 {head + "X-A: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", "431"},
	"long header without its end": {head + "X-A: " + strings.Repeat("a", 70<<10), "431"},
	"too many lines":              {head + strings.Repeat("A: b\r\n", 2000) + "\r\n", "431"},
}

func TestC12AmbiguousOrMalformedRequestIsRefusedAndTheConnectionClosed(t *testing.T) {
	for name, bad := range refusals {
		got, answer := feed(bad.text, "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
		if len(got) != 0 || !strings.HasPrefix(answer, "HTTP/1.1 "+bad.status+" ") || !strings.Contains(answer, "Connection: close\r\n") {
			t.Errorf("%s: %d requests, %.200q, want %s", name, len(got), answer, bad.status)
		}
	}
}

func TestMalformedChunksEndTheBodyWithAnErrorAndTheConnection(t *testing.T) {
	for name, chunks := range map[string]string{
		"no size":            "\r\nabc\r\n0\r\n\r\n",
		"no hexadecimal":     "zz\r\nabc\r\n0\r\n\r\n",
		"sign":               "+3\r\nabc\r\n0\r\n\r\n",
		"0x":                 "0x3\r\nabc\r\n0\r\n\r\n",
		"space first":        " 3\r\nabc\r\n0\r\n\r\n",
		"beyond 64 bits":     "fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
		"data too long":      "2\r\nabc\r\n0\r\n\r\n",
		"bare line feed":     "3\nabc\r\n0\r\n\r\n",
		"bare feed at data":  "3\r\nabc\n0\r\n\r\n",
		"carriage return":    "3;a\rb\r\nabc\r\n0\r\n\r\n",
		"long extension":     "3;" + strings.Repeat("a", 5000) + "\r\nabc\r\n0\r\n\r\n",
		"many extensions":    strings.Repeat("1;"+strings.Repeat("a", 1000)+"\r\na\r\n", 40) + "0\r\n\r\n",
		"many trailers":      "0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 20) + "\r\n",
		"malformed trailer":  "0\r\nA b\r\n\r\n",
		"folded trailer":     "0\r\nA: b\r\n c\r\n\r\n",
		"bare trailer":       "0\r\nA: b\nC: d\r\n\r\n",
		"end without a line": "3\r\nabc\r\n0\r\n",
	} {
		got, answers := feed(head+"Transfer-Encoding: chunked\r\n\r\n"+chunks, "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
		if len(got) != 1 || strings.Contains(got[0].Body, "<nil>") || !strings.Contains(answers, "Connection: close\r\n") {
			t.Errorf("%s: %q, %q", name, got, answers)
		}
	}
}

// FuzzRequest: what is accepted, net/http accepts too, and reads in the same way.
func FuzzRequest(f *testing.F) {
	for _, text := range good {
		f.Add(text, uint16(len(text)/2))
	}
	for _, r := range refusals {
		f.Add(r.text, uint16(0))
	}
	f.Fuzz(func(t *testing.T, text string, split uint16) {
		at := min(int(split), len(text))
		got, _ := feed(text[:at], text[at:])
		for i, want := range reference(text, len(got)) {
			if strings.Contains(got[i].Body, " unexpected EOF ") || strings.Contains(got[i].Body, " http1: ") {
				got[i].Body, want.Body = "", "" // a body that breaks off or is refused
			}
			if got[i] != want {
				t.Fatalf("request %d of %q:\n got %q\nwant %q", i, text, got[i], want)
			}
		}
	})
}
