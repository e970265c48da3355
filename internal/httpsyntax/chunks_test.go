package httpsyntax

import (
	"bytes"
	"io"
	"net/http/httputil"
	"strings"
	"testing"
)

const brokenOff = "it broke off"

// unchunk takes a body apart whose bytes come in pieces of a size; rest is what follows.
func unchunk(body string, piece int) (data, trailers, rest, wrong string) {
	c := Chunks{MaxTrailers: 100}
	var have []byte
	for !c.Ended {
		if n := min(int64(len(have)), c.Left); n > 0 {
			data, have = data+string(have[:n]), have[n:]
			c.Took(n)
			continue
		}
		n, trailer := 0, []byte(nil)
		if c.Left == 0 {
			ready := c.Ready(have)
			if n, trailer, wrong = c.Step(have); wrong != "" {
				return data, trailers, string(have), wrong
			}
			if ready && n == 0 {
				return data, trailers, string(have), "it is ready and does nothing"
			}
		}
		if trailer != nil {
			trailers += string(trailer) + ";"
		}
		if have = have[n:]; n > 0 {
			continue
		}
		if body == "" {
			return data, trailers, string(have), brokenOff
		}
		n = min(piece, len(body))
		have, body = append(have, body[:n]...), body[n:]
	}
	return data, trailers, string(have) + body, ""
}

func TestChunksAreTakenApartHoweverTheyCome(t *testing.T) {
	const body = "3\r\nabc\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nx-one: 1\r\nY:2\r\n\r\nnext"
	for piece := 1; piece <= len(body); piece++ {
		data, trailers, rest, wrong := unchunk(body, piece)
		if data != "abc0123456789" || trailers != "X-One: 1;Y:2;" || !strings.HasPrefix("next", rest) || wrong != "" {
			t.Errorf("in pieces of %d: %q %q %q %s", piece, data, trailers, rest, wrong)
		}
	}
}

func TestChunksThatTwoReadersCouldUnderstandInTwoWaysAreRefused(t *testing.T) {
	for name, body := range map[string]string{
		"a bare line feed after the size": "3\nabc\r\n0\r\n\r\n",
		"a bare line feed after the data": "3\r\nabc\n0\r\n\r\n",
		"more data than the size":         "3\r\nabcd\r\n0\r\n\r\n",
		"no size":                         "\r\nabc\r\n0\r\n\r\n",
		"a sign":                          "+3\r\nabc\r\n0\r\n\r\n",
		"a prefix":                        "0x3\r\nabc\r\n0\r\n\r\n",
		"a space before":                  " 3\r\nabc\r\n0\r\n\r\n",
		"a size that overflows":           "ffffffffffffffff1\r\nabc\r\n0\r\n\r\n",
		"a folded trailer":                "0\r\nA: 1\r\n b\r\n\r\n",
		"a trailer without a name":        "0\r\n: 1\r\n\r\n",
		"a bare line feed at the end":     "0\r\n\n",
		"a long size":                     "3;" + strings.Repeat("x", maxSizeLine) + "\r\nabc\r\n0\r\n\r\n",
		"a long size without an end":      strings.Repeat("0", 2*maxSizeLine),
		"long trailers":                   "0\r\n" + strings.Repeat("A: 1\r\n", 30) + "\r\n",
		"a long trailer without an end":   "0\r\nA: " + strings.Repeat("x", 200),
		"more extensions than data":       strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\na\r\n", 20) + "0\r\n\r\n",
	} {
		if data, _, _, wrong := unchunk(body, len(body)); wrong == "" || wrong == brokenOff {
			t.Errorf("%s: %q %s", name, data, wrong)
		}
	}
}

// FuzzChunks compares with net/http's reader: what is taken, it takes as well and in the
// same way, and nothing depends on how the bytes come.
func FuzzChunks(f *testing.F) {
	f.Add("3\r\nabc\r\n0\r\n\r\n", 1)
	f.Add("5;x\r\nabcde\r\n0\r\nA: 1\r\n\r\nGET", 3)
	f.Add("0\r\n\r\n", 2)
	f.Fuzz(func(t *testing.T, body string, piece int) {
		data, trailers, rest, wrong := unchunk(body, len(body)+1)
		if wrong != "" {
			return
		}
		d, tr, _, w := unchunk(body, max(piece%64, 1))
		if d != data || tr != trailers || w != "" {
			t.Errorf("in pieces of %d: %q %q %s, at once: %q %q", piece, d, tr, w, data, trailers)
		}
		theirs, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader([]byte(body))))
		if err != nil || string(theirs) != data {
			t.Errorf("%q is %q with %q left, to net/http %q %v", body, data, rest, theirs, err)
		}
	})
}
