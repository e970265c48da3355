package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

type sent struct{ name, file, value string }

// compose writes a form the way clients do.
func compose(t testing.TB, parts ...sent) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		var pw io.Writer
		var err error
		if p.file != "" {
			pw, err = w.CreateFormFile(p.name, p.file)
		} else {
			pw, err = w.CreateFormField(p.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(pw, p.value)
	}
	w.Close()
	return w.FormDataContentType(), b.Bytes()
}

// decompose reads a form as an upstream does.
func decompose(t testing.TB, contentType string, r io.Reader) []sent {
	t.Helper()
	_, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	var out []sent
	mr := multipart.NewReader(r, params["boundary"])
	for {
		p, err := mr.NextPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, sent{p.FormName(), p.FileName(), string(b)})
	}
}

var wide = Limits{Hold: 1 << 20, Search: 1 << 20}

func TestOnlyTheNamedFieldChangesAndFilesPassAsTheyCame(t *testing.T) {
	file := string([]byte{0, 1, 2, '\r', '\n', '-', '-', 255})
	ct, body := compose(t, sent{"file", "../../etc/passwd", file}, sent{"model", "", "group"}, sent{"api_key", "", "k"}, sent{"language", "", "de"})
	f, err := Read(iotest.OneByteReader(bytes.NewReader(body)), ct, "model", wide)
	if err != nil {
		t.Fatal(err)
	}
	edit := Edit{Set: []Field{{"model", "whisper-1"}}, Drop: func(n string) bool { return n == "api_key" }}
	for range 2 { // a whole form can be sent again
		ct, r := f.Reader(edit)
		got := decompose(t, ct, r)
		want := []sent{{"model", "", "whisper-1"}, {"file", "passwd", file}, {"language", "", "de"}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLargeFileIsStreamedOnceTheModelIsKnown(t *testing.T) {
	big := strings.Repeat("x", 1<<16)
	ct, body := compose(t, sent{"model", "", "m"}, sent{"file", "a.wav", big}, sent{"model", "", "other"}, sent{"prompt", "", "p"})
	f, err := Read(bytes.NewReader(body), ct, "model", Limits{Hold: 100, Search: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if f.Whole() {
		t.Error("a form larger than what may be held was held whole")
	}
	if f.held > 1100 {
		t.Errorf("%d bytes are held", f.held)
	}
	out, b, err := f.Bytes(Edit{Set: []Field{{"model", "up"}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []sent{{"model", "", "up"}, {"file", "a.wav", big}, {"prompt", "", "p"}}
	if got := decompose(t, out, bytes.NewReader(b)); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the streamed form is not what was sent: %d bytes", len(b))
	}
}

func TestBadFormsAreTheClientsMistake(t *testing.T) {
	ct, good := compose(t, sent{"model", "", "m"}, sent{"model", "", "n"})
	_, late := compose(t, sent{"file", "f", strings.Repeat("x", 2000)}, sent{"model", "", "m"})
	lateType, _ := compose(t)
	many := make([]sent, maxParts+1)
	for i := range many {
		many[i] = sent{"f", "n", ""}
	}
	manyType, manyBody := compose(t, many...)
	long := strings.Repeat("-", 71)
	cases := []struct {
		name, contentType string
		body              []byte
		param             string
	}{
		{"no form", "application/json", []byte("{}"), "request_body"},
		{"no boundary", "multipart/form-data", good, "request_body"},
		{"long boundary of dashes", "multipart/form-data; boundary=" + long, []byte("--" + long), "request_body"},
		{"field twice", ct, good, "model"},
		{"cut off", ct, good[:120], "request_body"},
		{"empty", ct, nil, "request_body"},
		{"model too late", strings.Replace(lateType, boundaryOf(lateType), boundaryIn(late), 1), late, "model"},
		{"10k parts", manyType, manyBody, "request_body"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(tc.body), tc.contentType, "model", Limits{Hold: 100, Search: 1000})
			var e *llm.Error
			if !errors.As(err, &e) || e.Status != 400 || e.Param != tc.param {
				t.Fatalf("got %v (%+v), want 400 for %s", err, e, tc.param)
			}
		})
	}
}

func boundaryOf(contentType string) string {
	_, p, _ := mime.ParseMediaType(contentType)
	return p["boundary"]
}

func boundaryIn(body []byte) string {
	line, _, _ := strings.Cut(string(body), "\r\n")
	return strings.TrimPrefix(line, "--")
}

func TestErrorOfTheConnectionIsNotCalledABadForm(t *testing.T) {
	ct, body := compose(t, sent{"model", "", "m"}, sent{"file", "f", "abc"})
	broken := errors.New("connection lost")
	_, err := Read(io.MultiReader(bytes.NewReader(body[:len(body)-30]), iotest.ErrReader(broken)), ct, "model", wide)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func FuzzRewrittenFormsAreReadableForms(f *testing.F) {
	ct, body := compose(f, sent{"file", "a", "x\r\n--y"}, sent{"model", "", "m"})
	f.Add(ct, body, 10)
	f.Add("multipart/form-data; boundary=--", []byte("----\r\n\r\n"), 0)
	f.Add(`multipart/form-data; boundary="a b"`, []byte("--a b\r\nContent-Disposition: form-data; name=model\r\n\r\nm\r\n--a b--"), 1)
	f.Fuzz(func(t *testing.T, contentType string, body []byte, hold int) {
		form, err := Read(bytes.NewReader(body), contentType, "model", Limits{Hold: int64(hold), Search: 1 << 16})
		if err != nil {
			return
		}
		out, b, err := form.Bytes(Edit{Set: []Field{{"model", "up"}}})
		if err != nil {
			return
		}
		r := multipart.NewReader(bytes.NewReader(b), boundaryOf(out))
		models := 0
		for {
			p, err := r.NextRawPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("what goes upstream is no form: %v\n%q", err, b)
			}
			if _, file := dispositionOf(p.Header.Get("Content-Disposition")); !file && p.FormName() == "model" {
				models++
			}
		}
		if models != 1 {
			t.Fatalf("%d models go upstream\n%q", models, b)
		}
	})
}

func dispositionOf(v string) (name string, file bool) {
	_, p, err := mime.ParseMediaType(v)
	_, file = p["filename"]
	return p["name"], file || err != nil
}
