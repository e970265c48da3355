package upstream

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func compressed(encoding, text string) []byte {
	var out bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&out)
	if encoding == "deflate" {
		w = zlib.NewWriter(&out)
	}
	_, _ = io.WriteString(w, text)
	w.Close()
	return out.Bytes()
}

// encoded serves a body under a Content-Encoding.
func encoded(t *testing.T, encoding string, body []byte) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", encoding)
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestU19CompressionNobodyAskedForIsUndone(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		for _, encoding := range []string{"gzip", "X-GZIP", "deflate", "identity", ""} {
			body := []byte("hello")
			if encoding != "" && encoding != "identity" {
				body = compressed(strings.ToLower(encoding), "hello")
			}
			resp, e := post(t, client(t, over(Options{}), Profile{}), encoded(t, encoding, body), Timeouts{})
			if e != nil {
				t.Fatalf("%s: %v", encoding, e)
			}
			got, e := resp.ReadAll(0)
			if e != nil || string(got) != "hello" {
				t.Errorf("%s: %q %v", encoding, got, e)
			}
		}
	})
}

func TestU19BombIsCutAtTheDecodedSize(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		bomb := compressed("gzip", strings.Repeat("0", 32<<20))
		c := client(t, over(Options{MaxResponseBytes: 1 << 20}), Profile{})
		_, e := whole(t, c, encoded(t, "gzip", bomb), Timeouts{})
		wantError(t, e, llm.KindBadGateway, 502)
	})
}

func TestU19WrongOrUnknownEncodingIsAnError(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		c := client(t, over(Options{}), Profile{})
		_, e := whole(t, c, encoded(t, "br", []byte("x")), Timeouts{})
		wantError(t, e, llm.KindBadGateway, 502)
		for _, encoding := range []string{"gzip", "deflate"} {
			_, e = whole(t, c, encoded(t, encoding, []byte(`{"plain":"json"}`)), Timeouts{})
			if e == nil || e.Status < 500 || !e.Upstream {
				t.Errorf("plain text as %s: %v", encoding, e)
			}
		}
	})
}

func TestU23TextOfAnErrorThatNeverEndsIsReadAsFarAsItCame(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		base := rawServer(t, func(_ int, c *net.TCPConn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 429 Slow\r\nContent-Length: 100\r\n\r\nslow down")
			_, _ = io.Copy(io.Discard, c) // until the client closes
		})
		resp, e := post(t, client(t, over(Options{}), Profile{}), base, Timeouts{})
		if e != nil {
			t.Fatal(e)
		}
		if got := resp.excerptWithin(1<<20, 50*time.Millisecond); string(got) != "slow down" || resp.Status != 429 {
			t.Errorf("status %d, %q", resp.Status, got)
		}
	})
}
