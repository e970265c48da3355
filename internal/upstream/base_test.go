package upstream

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func base(t testing.TB, raw, suffix string, report func(string, string)) *Base {
	t.Helper()
	b, err := newBase(raw, suffix, report)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBaseIsUsedLiterally(t *testing.T) {
	cases := []struct{ base, suffix, path, want string }{
		{"https://api.openai.com/v1", "/v1", "/chat/completions", "https://api.openai.com/v1/chat/completions"},
		{"https://api.openai.com/v1/", "/v1", "/chat/completions", "https://api.openai.com/v1/chat/completions"},
		{"http://host//", "", "/x", "http://host/x"},
		{"https://h/v1beta", "/v1beta", "/models/gemini-3:streamGenerateContent?alt=sse", "https://h/v1beta/models/gemini-3:streamGenerateContent?alt=sse"},
		{"https://h/openai?api-version=1", "", "/x?a=b", "https://h/openai/x?api-version=1&a=b"},
		{"https://h/a%2Fb", "", "/models/x%20y", "https://h/a%2Fb/models/x%20y"},
		{" http://h:1234/v1 ", "/v1", "/x", "http://h:1234/v1/x"},
		{"http://localhost:11434", "/v1", "/chat/completions", "http://localhost:11434/v1/chat/completions"},
		{"http://localhost:11434/v1", "/v1", "/chat/completions", "http://localhost:11434/v1/chat/completions"},
		{"http://localhost:11434/api", "/v1", "/chat/completions", "http://localhost:11434/v1/chat/completions"},
		{"http://localhost:11434/api/", "/v1", "/chat/completions", "http://localhost:11434/v1/chat/completions"},
		{"http://localhost:11434/api/chat", "/v1", "/chat/completions", "http://localhost:11434/v1/chat/completions"},
		{"http://localhost:11434/apis", "/v1", "/chat/completions", "http://localhost:11434/apis/chat/completions"},
		{"http://localhost:11434/api", "", "/chat", "http://localhost:11434/api/chat"},
		{"http://localhost:11434/", "", "/api/chat", "http://localhost:11434/api/chat"},
	}
	for _, c := range cases {
		u, e := base(t, c.base, c.suffix, nil).Join(c.path)
		if e != nil || u.String() != c.want {
			t.Errorf("%s + %s: %v %v, want %s", c.base, c.path, u, e, c.want)
		}
	}
}

func TestModelNameCannotLeadOutOfTheBase(t *testing.T) {
	b := base(t, "https://h/v1beta", "", nil)
	for _, path := range []string{
		"/models/../../admin", "/models/./x", "/models/%2e%2E/x", "/models/..%2fx", "/models/..%5cx", "/models/x y", "/models/x\r\nHost: evil", "/models/x#f", "/models/%zz", "/models/é",
		"/models/x?key=1?key=2", `/models\..\x`, "/models/x?a=b c", "/models/\x00",
	} {
		u, e := b.Join(path)
		if e == nil || e.Status != 400 || e.Param != "model" {
			t.Errorf("%q: %v %v", path, u, e)
		}
	}
	if _, e := b.Join("/models/gpt..4"); e != nil {
		t.Errorf("two dots within a name: %v", e)
	}
}

func TestBaseThatIsNoAddressIsRefusedWithoutShowingCredentials(t *testing.T) {
	for _, raw := range []string{"", "localhost:4000/v1", "ftp://h/", "https://", "http://user:hunter2@/x", "://x?key=hunter2"} {
		_, err := newBase(raw, "/v1", nil)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if s := base(t, "https://user:hunter2@h/v1?key=hunter2", "", nil).String(); s != "https://h/v1" {
		t.Errorf("shown as %s", s)
	}
}

// versioned is a server that answers only below /v1, and says what was asked.
func versioned(t *testing.T, status func(path string) int) (address string, asked func() []string) {
	var mu sync.Mutex
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		paths = append(paths, r.URL.Path)
		mu.Unlock()
		w.WriteHeader(status(r.URL.Path))
		_, _ = io.WriteString(w, r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := paths
		paths = nil
		return out
	}
}

func onlyVersioned(path string) int {
	if strings.HasPrefix(path, "/v1/") {
		return 200
	}
	return 404
}

func TestBaseWithoutVersionIsTriedWithItOnceAndRemembered(t *testing.T) {
	address, asked := versioned(t, onlyVersioned)
	var reports [][2]string
	n := NewNetwork(Options{OnBase: func(base, used string) { reports = append(reports, [2]string{base, used}) }})
	t.Cleanup(n.Close)
	c, _ := n.Client(Profile{})
	b, err := n.Base(address+"/", "/v1")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		resp, e := c.Do(context.Background(), &Request{Base: b, Path: "/chat", Body: []byte("x")})
		if e != nil {
			t.Fatal(e)
		}
		if body, e := resp.ReadAll(0); e != nil || resp.Status != 200 || string(body) != "/v1/chat" {
			t.Fatalf("%d %q %v", resp.Status, body, e)
		}
	}
	if diff := cmp.Diff([]string{"/chat", "/v1/chat", "/v1/chat"}, asked()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][2]string{{address, address + "/v1"}}, reports); diff != "" {
		t.Error(diff)
	}
	if b.String() != address+"/v1" {
		t.Errorf("in use: %s", b)
	}
}

func TestNotFoundStaysWhenTheVersionIsNoBetter(t *testing.T) {
	cases := []struct {
		name, suffix string
		base         string
		status       func(string) int
		want         []string
		answer       int
	}{
		{"both 404", "/v1", "", func(string) int { return 404 }, []string{"/chat", "/v1/chat"}, 404},
		{"405 with version", "/v1", "", func(p string) int { return 404 + len(p)/8 }, []string{"/chat", "/v1/chat"}, 404},
		{"has a version", "/v1", "/v2", func(string) int { return 404 }, []string{"/v2/chat"}, 404},
		{"beta is a version", "/v1", "/beta", func(string) int { return 404 }, []string{"/beta/chat"}, 404},
		{"v1beta is a version", "/v1beta", "/v1beta", func(string) int { return 404 }, []string{"/v1beta/chat"}, 404},
		{"provider without one", "", "", func(string) int { return 404 }, []string{"/chat"}, 404},
		{"other errors", "/v1", "", func(string) int { return 401 }, []string{"/chat"}, 401},
		{"500 with version", "/v1", "", func(p string) int { return 404 + 96*(len(p)/8) }, []string{"/chat", "/v1/chat"}, 500},
	}
	for _, c := range cases {
		address, asked := versioned(t, c.status)
		b := base(t, address+c.base, c.suffix, func(string, string) { t.Errorf("%s: reported", c.name) })
		resp, e := client(t, Options{}, Profile{}).Do(context.Background(), &Request{Base: b, Path: "/chat", Body: []byte("x")})
		if e != nil || resp.Status != c.answer {
			t.Fatalf("%s: %+v %v", c.name, resp, e)
		}
		if _, e := resp.ReadAll(0); e != nil {
			t.Errorf("%s: the answer cannot be read: %v", c.name, e)
		}
		if diff := cmp.Diff(c.want, asked()); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestBaseThatWorkedIsNotDoubtedByALaterNotFound(t *testing.T) {
	var missing atomic.Bool
	address, asked := versioned(t, func(string) int {
		if missing.Load() {
			return 404
		}
		return 200
	})
	c, b := client(t, Options{}, Profile{}), base(t, address, "/v1", nil)
	for range 2 {
		resp, e := c.Do(context.Background(), &Request{Base: b, Path: "/chat"})
		if e != nil {
			t.Fatal(e)
		}
		resp.Body.Close()
		missing.Store(true)
	}
	if diff := cmp.Diff([]string{"/chat", "/chat"}, asked()); diff != "" {
		t.Error(diff)
	}
}

func FuzzJoin(f *testing.F) {
	for _, s := range []string{"/models/x:y?alt=sse", "/../x", "/%2e%2e/x", "//evil/x", "/x?y#z", ""} {
		f.Add(s)
	}
	b := base(f, "https://host.example/v1beta", "", nil)
	f.Fuzz(func(t *testing.T, path string) {
		u, e := b.Join(path)
		if e != nil {
			return
		}
		if u.Host != "host.example" || u.Scheme != "https" || !strings.HasPrefix(u.EscapedPath(), "/v1beta") || strings.ContainsAny(u.String(), "\r\n ") {
			t.Fatalf("%q leads to %s", path, u)
		}
	})
}

func TestAddressUsedLastDoesNotStandForAnother(t *testing.T) {
	b := base(t, "http://h?k=1", "/v1", nil)
	for range 2 {
		for path, want := range map[string]string{"/a": "http://h/a?k=1", "/b?x=2": "http://h/b?k=1&x=2"} {
			for range 2 {
				if u, e := b.Join(path); e != nil || u.String() != want {
					t.Errorf("%s: %v %v", path, u, e)
				}
			}
		}
	}
	b.learn(baseVersioned)
	if u, e := b.Join("/a"); e != nil || u.String() != "http://h/v1/a?k=1" {
		t.Errorf("%v %v", u, e)
	}
}
