package hostile_test

import (
	"net/http"
	"strings"
	"testing"
)

// post starts a chat request; the framing headers follow.
const post = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer " + masterKey + "\r\n"

// framings are requests whose length or end two parsers could see differently,
// or that are no requests at all.
var framings = map[string]string{
	"two lengths":              post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
	"list of lengths":          post + "Content-Length: 2, 2\r\n\r\n{}",
	"negative length":          post + "Content-Length: -1\r\n\r\n{}",
	"signed length":            post + "Content-Length: +2\r\n\r\n{}",
	"hexadecimal length":       post + "Content-Length: 0x2\r\n\r\n{}",
	"length beyond 64 bits":    post + "Content-Length: 99999999999999999999\r\n\r\n{}",
	"space before the colon":   post + "Content-Length : 2\r\n\r\n{}",
	"unknown encoding":         post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
	"two encodings":            post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
	"list of encodings":        post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
	"bare carriage return":     post + "X-A: b\rX-B: c\r\nContent-Length: 2\r\n\r\n{}",
	"NUL in a header":          post + "X-A: b\x00c\r\nContent-Length: 2\r\n\r\n{}",
	"no host":                  "GET /v1/models HTTP/1.1\r\nConnection: close\r\n\r\n",
	"two hosts":                "GET /v1/models HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
	"host with a path":         "GET /v1/models HTTP/1.1\r\nHost: x/health/liveliness\r\nConnection: close\r\n\r\n",
	"no version":               "GET /v1/models\r\n\r\n",
	"version 2.0 as text":      "GET / HTTP/2.0\r\nHost: x\r\n\r\n",
	"version 9.9":              "GET / HTTP/9.9\r\nHost: x\r\n\r\n",
	"TLS on the plain port":    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("\x00", 50) + "\r\n\r\n",
	"noise":                    "\x00\xff\xfe noise\r\n\r\n",
	"chunk without a size":     post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
	"chunk beyond 64 bits":     post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n",
	"unknown expectation":      post + "Expect: something\r\nContent-Length: 2\r\n\r\n{}",
	"header of 200 KB":         post + "X-A: " + strings.Repeat("a", 200_000) + "\r\n\r\n",
	"20,000 headers":           post + strings.Repeat("X-A: b\r\n", 20_000) + "\r\n",
	"address of 200 KB":        "GET /" + strings.Repeat("a", 200_000) + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	"folded header":            post + "X-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}",
	"bare line feeds":          strings.ReplaceAll(post, "\r\n", "\n") + "Content-Length: 2\n\n{}",
	"length beside encoding":   post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
	"percent without a number": "GET /engines/%zz/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}

func TestC12AmbiguousFramingIsRefused(t *testing.T) {
	g := start(t, three(t, ""))
	for name, text := range framings {
		a := g.raw(text)
		if a.status < 400 || a.status == http.StatusInternalServerError || a.status == http.StatusBadGateway {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
	}
	g.alive()
}

// What can be read in one way only is served or refused as that.
func TestC12UnusualFramingIsReadInOneWay(t *testing.T) {
	g := start(t, three(t, ""))
	for name, text := range map[string]string{
		"chunk extension":    post + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n",
		"trailer with a key": post + "Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n2\r\n{}\r\n0\r\nAuthorization: Bearer other\r\n\r\n",
	} {
		a := g.raw(text)
		if a.status != http.StatusBadRequest || !strings.Contains(a.body, "'messages'") {
			t.Errorf("%s: %d %.200s", name, a.status, a.body)
		}
	}
}

func TestS29NoUpgradeOrTunnelIsGranted(t *testing.T) {
	g := start(t, three(t, ""))
	for _, text := range []string{
		request("GET", "/v1/realtime", "", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13"),
		request("GET", "/", "", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__"),
		"CONNECT evil:443 HTTP/1.1\r\nHost: evil:443\r\nConnection: close\r\n\r\n",
		request("TRACE", "/", ""),
	} {
		a := g.raw(text)
		if a.status == http.StatusSwitchingProtocols || strings.HasPrefix(text, "CONNECT") && a.status < 400 || strings.Contains(a.body, masterKey) {
			t.Errorf("%.40q: %d %.200s", text, a.status, a.body)
		}
	}
}

func TestC12SecondRequestOfAConnectionIsARequestOfItsOwn(t *testing.T) {
	g := start(t, three(t, ""))
	first := strings.Replace(request("POST", "/v1/chat/completions", `{"model":"gpt","messages":[{"role":"user","content":"one"}]}`), "Connection: close\r\n", "", 1)
	second := "GET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	a := g.raw(first + second)
	if a.status != http.StatusOK || !strings.Contains(a.body, "HTTP/1.1 401 ") {
		t.Errorf("the second request took the key of the first: %d %s", a.status, a.body)
	}
}
