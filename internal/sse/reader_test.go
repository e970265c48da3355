package sse

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// ev is an expected event: its name and data.
type ev struct{ name, data string }

// vectors are what the WHATWG specification says of malformed and odd streams
// (U14). One deliberate difference: an event that the end of the stream cuts off
// after its data is returned, since many servers leave out the last blank line.
var vectors = []struct {
	name, stream string
	want         []ev
}{
	{"plain", "data: a\n\n", []ev{{"", "a"}}},
	{"two", "data: a\n\ndata: b\n\n", []ev{{"", "a"}, {"", "b"}}},
	{"CRLF", "data: a\r\n\r\ndata: b\r\n\r\n", []ev{{"", "a"}, {"", "b"}}},
	{"CR", "data: a\r\rdata: b\r\r", []ev{{"", "a"}, {"", "b"}}},
	{"mixed endings", "data: a\r\n\ndata: b\n\r\ndata: c\r\n\r", []ev{{"", "a"}, {"", "b"}, {"", "c"}}},
	{"byte-order mark", "\xef\xbb\xbfdata: a\n\n", []ev{{"", "a"}}},
	{"mark only at the start", "data: a\n\n\xef\xbb\xbfdata: b\n\n", []ev{{"", "a"}}},
	{"mark before a comment", "\xef\xbb\xbf: x\ndata: a\n\n", []ev{{"", "a"}}},
	{"no space", "data:a\n\n", []ev{{"", "a"}}},
	{"two spaces", "data:  a\n\n", []ev{{"", " a"}}},
	{"tab", "data:\ta\n\n", []ev{{"", "\ta"}}},
	{"trailing space", "data: a \n\n", []ev{{"", "a "}}},
	{"empty data", "data:\n\ndata: a\n\n", []ev{{"", "a"}}},
	{"empty data with space", "data: \n\n", nil},
	{"field without colon", "data\n\n", nil},
	{"two empty lines of data", "data\ndata\n\n", []ev{{"", "\n"}}},
	{"several lines", "data: a\ndata: b\ndata: c\n\n", []ev{{"", "a\nb\nc"}}},
	{"empty line between", "data: a\ndata:\ndata: c\n\n", []ev{{"", "a\n\nc"}}},
	{"comment", ": hi\n\ndata: a\n\n", []ev{{"", "a"}}},
	{"comment within an event", "data: a\n: hi\ndata: b\n\n", []ev{{"", "a\nb"}}},
	{"comment without text", ":\n\ndata: a\n\n", []ev{{"", "a"}}},
	{"keepalives", ": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\ndata: a\n\n", []ev{{"", "a"}}},
	{"only comments", ": a\n\n: b\n\n", nil},
	{"event", "event: ping\ndata: a\n\n", []ev{{"ping", "a"}}},
	{"event after data", "data: a\nevent: x\n\n", []ev{{"x", "a"}}},
	{"event twice", "event: x\nevent: y\ndata: a\n\n", []ev{{"y", "a"}}},
	{"event without data", "event: x\n\ndata: a\n\n", []ev{{"", "a"}}},
	{"event does not last", "event: x\ndata: a\n\ndata: b\n\n", []ev{{"x", "a"}, {"", "b"}}},
	{"event: error", "event: error\ndata: {\"error\":1}\n\n", []ev{{"error", "{\"error\":1}"}}},
	{"empty event", "event:\ndata: a\n\n", []ev{{"", "a"}}},
	{"id", "id: 1\ndata: a\n\n", []ev{{"", "a"}}},
	{"id only", "id: 1\n\ndata: a\n\n", []ev{{"", "a"}}},
	{"retry", "retry: 100\ndata: a\n\n", []ev{{"", "a"}}},
	{"unknown field", "foo: bar\ndata: a\n\n", []ev{{"", "a"}}},
	{"space before the field", " data: a\n\ndata: b\n\n", []ev{{"", "b"}}},
	{"upper case is another field", "DATA: a\n\ndata: b\n\n", []ev{{"", "b"}}},
	{"colons in the value", "data: a: b:c\n\n", []ev{{"", "a: b:c"}}},
	{"blank lines", "\n\n\ndata: a\n\n\n\ndata: b\n\n", []ev{{"", "a"}, {"", "b"}}},
	{"no final blank line", "data: a\n", []ev{{"", "a"}}},
	{"no final line ending", "data: a", []ev{{"", "a"}}},
	{"cut within the next event's name", "data: a\n\neve", []ev{{"", "a"}}},
	{"cut after an event's name", "data: a\n\nevent: x\n", []ev{{"", "a"}}},
	{"ends with CR", "data: a\r", []ev{{"", "a"}}},
	{"nothing", "", nil},
	{"only a mark", "\xef\xbb\xbf", nil},
	{"NUL in data", "data: a\x00b\n\n", []ev{{"", "a\x00b"}}},
	{"UTF-8", "data: é😀\n\n", []ev{{"", "é😀"}}},
	{"bad UTF-8 passes", "data: \xff\n\n", []ev{{"", "\xff"}}},
	{"line separators are not line ends", "data: a\u2028b\u0085c\n\n", []ev{{"", "a\u2028b\u0085c"}}},
	{"form feed is not a line end", "data: a\fb\vc\n\n", []ev{{"", "a\fb\vc"}}},
	{"done", "data: {\"a\":1}\n\ndata: [DONE]\n\n", []ev{{"", "{\"a\":1}"}, {"", "[DONE]"}}},
	{"long line", "data: " + strings.Repeat("x", 70000) + "\n\n", []ev{{"", strings.Repeat("x", 70000)}}},
}

func read(r *Reader) ([]ev, error) {
	var out []ev
	for {
		e, err := r.Next()
		if err != nil {
			return out, err
		}
		out = append(out, ev{e.Name, string(e.Data)})
	}
}

func same(a, b []ev) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestU14StreamsAreReadAsWHATWGSays(t *testing.T) {
	for _, tc := range vectors {
		t.Run(tc.name, func(t *testing.T) {
			for mode, src := range map[string]io.Reader{
				"at once": strings.NewReader(tc.stream), "byte by byte": iotest.OneByteReader(strings.NewReader(tc.stream)),
				"with the end": iotest.DataErrReader(strings.NewReader(tc.stream)),
			} {
				got, err := read(NewReader(src, 0))
				if err != io.EOF || !same(got, tc.want) {
					t.Errorf("%s: %q %v, want %q", mode, got, err, tc.want)
				}
			}
		})
	}
}

func TestU18EverySplitGivesTheSameEvents(t *testing.T) {
	stream := "\xef\xbb\xbf: k\r\n\r\nevent: x\r\ndata: {\"t\":\"h\\u00e9 \\ud83d\\ude00 é😀\"}\r\n\r\ndata: a\rdata: b\r\r\ndata: c\n\ndata: [DONE]\n\n"
	want, _ := read(NewReader(strings.NewReader(stream), 0))
	for i := range len(stream) + 1 {
		for j := i; j <= len(stream); j++ {
			src := io.MultiReader(strings.NewReader(stream[:i]), strings.NewReader(stream[i:j]), strings.NewReader(stream[j:]))
			if got, err := read(NewReader(src, 0)); err != io.EOF || !same(got, want) {
				t.Fatalf("split at %d and %d: %q %v, want %q", i, j, got, err, want)
			}
		}
	}
}

func TestEventsAreBounded(t *testing.T) {
	for name, stream := range map[string]string{
		"line": "data: " + strings.Repeat("x", 100) + "\n\n", "lines": strings.Repeat("data: 0123456789\n", 10) + "\n",
		"no line ending": strings.Repeat("x", 100), "comment": ":" + strings.Repeat("x", 100) + "\n",
	} {
		if _, err := read(NewReader(strings.NewReader(stream), 64)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := read(NewReader(strings.NewReader(strings.Repeat("data: 0123456789\n\n", 100)), 64)); err != io.EOF || len(got) != 100 {
		t.Errorf("many small events: %d %v", len(got), err)
	}
}

func TestReadErrorsComeThrough(t *testing.T) {
	gone := errors.New("gone")
	got, err := read(NewReader(io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(gone)), 0))
	if !errors.Is(err, gone) || !same(got, []ev{{"", "a"}}) {
		t.Errorf("%q %v", got, err)
	}
	if _, err := NewReader(silent{}, 0).Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("a reader that says nothing: %v", err)
	}
}

type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, nil }

// pieces gives one piece a read.
type pieces []string

func (p *pieces) Read(b []byte) (int, error) {
	if len(*p) == 0 {
		return 0, io.EOF
	}
	n := copy(b, (*p)[0])
	*p = (*p)[1:]
	return n, nil
}

func TestEveryReadIsAnnounced(t *testing.T) {
	src := pieces{"data: a\n\ndata: b\n\n: x\n\n", "data: c\n\n"}
	r := NewReader(&src, 0)
	var order []string
	r.BeforeRead(func() error {
		order = append(order, "read")
		return nil
	})
	for {
		ev, err := r.Next()
		if err != nil {
			break
		}
		order = append(order, string(ev.Data))
	}
	if got := strings.Join(order, " "); got != "read a b read c read" {
		t.Errorf("order %s", got)
	}
}

func TestAnErrorBeforeAReadEndsTheStream(t *testing.T) {
	r, refused := NewReader(strings.NewReader("data: a\n\n"), 0), errors.New("gone")
	r.BeforeRead(func() error { return refused })
	if _, err := r.Next(); err != refused {
		t.Errorf("error %v", err)
	}
}

func TestWrittenEventsAreReadBack(t *testing.T) {
	out := AppendComment(nil, "ping")
	out = AppendData(out, []byte("a\nb\r\nc\rd"))
	out = AppendNamed(out, "x", []byte("{}"))
	got, _ := read(NewReader(bytes.NewReader(out), 0))
	if !same(got, []ev{{"", "a\nb\nc\nd"}, {"x", "{}"}}) {
		t.Errorf("%q", got)
	}
}

// FuzzReader holds that no stream makes a panic, that the size of a read does not
// matter, and that data can never forge an event.
func FuzzReader(f *testing.F) {
	for _, tc := range vectors {
		f.Add([]byte(tc.stream), []byte(tc.name))
	}
	f.Fuzz(func(t *testing.T, stream, payload []byte) {
		whole, errWhole := read(NewReader(bytes.NewReader(stream), 1<<20))
		pieces, errPieces := read(NewReader(iotest.OneByteReader(bytes.NewReader(stream)), 1<<20))
		if !same(whole, pieces) || errWhole != errPieces {
			t.Fatalf("at once %q %v, byte by byte %q %v", whole, errWhole, pieces, errPieces)
		}
		got, err := read(NewReader(bytes.NewReader(AppendData(nil, payload)), 1<<20))
		if err != io.EOF || len(got) != min(1, len(payload)) { // an empty one says nothing
			t.Fatalf("payload %q became %q %v", payload, got, err)
		}
	})
}

func BenchmarkReader(b *testing.B) {
	stream := []byte(strings.Repeat(`data: {"id":"chatcmpl-fake1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}`+"\n\n", 50))
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		r := NewReader(bytes.NewReader(stream), 0)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
		}
	}
}

// waiting is a source that must not be read while the reader could wait.
type waiting struct {
	t       *testing.T
	r       *Reader
	pieces  []string
	waits   int
	waitErr error
}

func (w *waiting) Wait() error {
	w.waits++
	if w.r.buf != nil || w.r.block != nil {
		w.t.Error("the reader holds a buffer while it waits")
	}
	if len(w.pieces) == 0 && w.waitErr != nil {
		return w.waitErr
	}
	return nil
}

func (w *waiting) Read(p []byte) (int, error) {
	if len(w.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, w.pieces[0])
	if w.pieces[0] = w.pieces[0][n:]; w.pieces[0] == "" {
		w.pieces = w.pieces[1:]
	}
	return n, nil
}

// TestAStreamThatWaitsHoldsNoBuffer: also after an event that needed a large one.
func TestAStreamThatWaitsHoldsNoBuffer(t *testing.T) {
	long := strings.Repeat("x", 5*initialBuffer)
	w := &waiting{t: t, pieces: []string{"data: a\n\n", "data: b\n\ndata: " + long + "\n\n", "data: c\n", "\n"}}
	w.r = NewReader(w, 0)
	for _, want := range []string{"a", "b", long, "c"} {
		ev, err := w.r.Next()
		if err != nil || string(ev.Data) != want {
			t.Fatalf("%.20q, %v, want %.20q", ev.Data, err, want)
		}
	}
	if _, err := w.r.Next(); err != io.EOF || w.waits < 4 {
		t.Errorf("%v after %d waits", err, w.waits)
	}
}

func TestAFailedWaitEndsTheStream(t *testing.T) {
	w := &waiting{t: t, pieces: []string{"data: a\n\n"}, waitErr: io.ErrUnexpectedEOF}
	w.r = NewReader(w, 0)
	if _, err := w.r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.r.Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("%v", err)
	}
}

// dataAndError gives all of its text and an error with one read.
type dataAndError struct{ text string }

func (d *dataAndError) Read(p []byte) (int, error) {
	n := copy(p, d.text)
	d.text = d.text[n:]
	return n, errBroken
}

var errBroken = errors.New("broken")

func TestWhatComesTogetherWithAnErrorIsRead(t *testing.T) {
	r := NewReader(&dataAndError{"data: a\n\ndata: b\n\ndata: c"}, 0)
	for _, want := range []string{"a", "b"} {
		if ev, err := r.Next(); err != nil || string(ev.Data) != want {
			t.Fatalf("%q, %v; want %q", ev.Data, err, want)
		}
	}
	if _, err := r.Next(); !errors.Is(err, errBroken) {
		t.Errorf("then %v", err)
	}
}
