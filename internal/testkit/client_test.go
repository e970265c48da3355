package testkit_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// answer is what a fake said.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) get(path string) string { return gjson.Get(a.body, path).String() }

// post sends a body; the error of reading the answer is the second result.
func post(t *testing.T, url, body string, header ...string) (answer, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

// edit is a change of one place in a correct request: a JSON value, or "-" to
// delete it. An edit without path changes nothing.
type edit struct{ path, value string }

func apply(t *testing.T, body string, edits ...edit) string {
	t.Helper()
	for _, e := range edits {
		var err error
		switch {
		case e.path == "":
		case e.value == "-":
			body, err = sjson.Delete(body, e.path)
		default:
			body, err = sjson.SetRaw(body, e.path, e.value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return body
}

// rule is one row of a table: the request after the edits must be refused with a
// text that contains want, or accepted when want is "".
type rule struct {
	name  string
	edits []edit
	want  string
}

// check runs a table against a fake; ask sends a body to it.
func check(t *testing.T, f *testkit.Fake, correct string, ask func(*testing.T, string) answer, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			got := ask(t, apply(t, correct, r.edits...))
			refused := f.Last(t).Refused
			switch {
			case r.want == "" && got.status != http.StatusOK:
				t.Fatalf("refused a correct request: %d %s", got.status, got.body)
			case r.want != "" && !strings.Contains(refused, r.want):
				t.Fatalf("refusal %q does not say %q (status %d)", refused, r.want, got.status)
			}
		})
	}
}

func one(path, value string) []edit { return []edit{{path, value}} }
