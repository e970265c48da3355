package httpsyntax

import (
	"net/textproto"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

func TestLengthIsOneNumberOrNone(t *testing.T) {
	for text, want := range map[string]int64{
		"": -1, "0": 0, "12": 12, "007": 7, "5|5": 5, "5|6": -2, "5, 5": -2, "-1": -2, "+1": -2, " 1": -2, "1 ": -2, "0x1": -2, "1|": -2, "|": -2,
		"999999999999999999": 999999999999999999, "9999999999999999999": -2, "٣": -2,
	} {
		var values []string
		if text != "" {
			values = strings.Split(text, "|")
		}
		n, ok := ContentLength(values)
		if ok != (want != -2) || ok && n != want {
			t.Errorf("%q: %d %v", values, n, ok)
		}
	}
}

func TestSizeOfAChunkIsHexadecimalAndMayHaveExtensions(t *testing.T) {
	for line, want := range map[string]int64{
		"0": 0, "a": 10, "Ff": 255, "1;a=b": 1, "1\t": 1, "000000000000001": 1, "fffffffffffffff": 1<<60 - 1,
		"": -1, ";a": -1, "-1": -1, "0x1": -1, "1 a": -1, "1 ;a": -1, "0000000000000001": -1, "1;\x01": -1, "1;\x7f": -1, " 1": -1, "g": -1,
	} {
		n, ok := ChunkSize([]byte(line))
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%q: %d %v", line, n, ok)
		}
	}
}

func TestFieldsAreCountedUpToTheEmptyLine(t *testing.T) {
	block := func(n int) []byte { return []byte(strings.Repeat("a: b\r\n", n) + "\r\nrest: of another\r\n") }
	for _, n := range []int{0, 1, 3, 4} {
		if got, wrong := CheckFields(block(n), 3); got != n || wrong != "" {
			t.Errorf("%d lines: %d %q", n, got, wrong)
		}
	}
	if n, wrong := CheckFields(block(50), 3); n != 4 || wrong != "" {
		t.Errorf("reading on after too many: %d %q", n, wrong)
	}
	if _, wrong := CheckFields([]byte("a: b\r\nc d: e\r\n\r\n"), 3); wrong != "an invalid header name" {
		t.Errorf("a bad line: %q", wrong)
	}
}

func TestOptionsAreFoundInAnyCaseAndList(t *testing.T) {
	for text, want := range map[string]bool{"close": true, "CLOSE": true, "a, close": true, "a,\tClose ,b": true, "a|close": true, "closed": false, "": false, "a b, c": false} {
		if got := HasOption(strings.Split(text, "|"), "close"); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzField compares with what net/http takes for a field.
func FuzzField(f *testing.F) {
	for _, line := range []string{"content-type: a", "X-a: b", ": a", " a: b", "a b: c", "a:\x00", "a", "é: a", "a: é", "a:", "aB-cD:\t"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return
		}
		line := []byte(text)
		wrong := CheckField(line)
		name, value, found := strings.Cut(text, ":")
		good := found && httpguts.ValidHeaderFieldName(name) && httpguts.ValidHeaderFieldValue(value)
		if (wrong == "") != good {
			t.Fatalf("%q: %q, of net/http %v", text, wrong, good)
		}
		if want := textproto.CanonicalMIMEHeaderKey(name) + ":" + value; good && string(line) != want {
			t.Fatalf("%q became %q, not %q", text, line, want)
		}
	})
}

// FuzzChunkSize holds that what is taken is the number that strconv reads.
func FuzzChunkSize(f *testing.F) {
	for _, line := range []string{"0", "1f;a", "ffffffffffffffff", "1 ", "-1", "1_0"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		size, ok := ChunkSize([]byte(line))
		digits := strings.TrimRight(line[:len(line)-len(strings.TrimLeft(line, "0123456789abcdefABCDEF"))], " ")
		want, err := strconv.ParseInt(digits, 16, 64)
		if ok && (err != nil || size != want) {
			t.Fatalf("%q: %d, want %d (%v)", line, size, want, err)
		}
	})
}

func TestSpaceAroundAValueIsNoPartOfIt(t *testing.T) {
	for _, text := range []string{"", " ", "a", " a", "a\t", "\t a b \r\n", "\u00a0a", "\r\n"} {
		if got, want := TrimSpace(text), strings.Trim(text, " \t\r\n"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
