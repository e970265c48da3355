package docs

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/app"
)

// gateway starts the program as it stands without a configuration and returns its
// address, host:port.
func gateway(t *testing.T) string {
	t.Helper()
	t.Chdir(t.TempDir()) // where no configuration lies
	r, err := app.Start(context.Background(), app.Options{
		Args: []string{"--port", "0"}, Env: func(string) (string, bool) { return "", false }, Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r.Addr
}

// curls returns the curl commands of a document's blocks, each in one line.
func curls(text string) []string {
	_, blocks := outline(text)
	var out []string
	for _, b := range blocks {
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", "")) {
			if b.lang == "sh" && strings.HasPrefix(line, "curl ") {
				out = append(out, line)
			}
		}
	}
	return out
}

var (
	curlURL  = regexp.MustCompile(`http://localhost:4000(\S*)`)
	curlBody = regexp.MustCompile(`-d '([^']*)'`)
)

func TestEveryCurlOfTheReadmeAnswersOnAFreshGateway(t *testing.T) {
	commands := curls(read(t, "README.md"))
	if len(commands) < 5 {
		t.Fatalf("only %d curl commands were found", len(commands))
	}
	addr := gateway(t)
	for _, c := range commands {
		url := curlURL.FindStringSubmatch(c)
		if url == nil {
			t.Errorf("no address of the gateway in %q", c)
			continue
		}
		method, body := http.MethodGet, ""
		if m := curlBody.FindStringSubmatch(c); m != nil {
			method, body = http.MethodPost, m[1]
		}
		if status, answer := ask(t, method, "http://"+addr+url[1], body); status != http.StatusOK {
			t.Errorf("%s\nanswers %d: %s", c, status, answer)
		}
	}
}

// ask sends a request and returns what is answered.
func ask(t *testing.T, method, url, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestEveryRouteThatIsMentionedAsServedIsServed(t *testing.T) {
	addr := gateway(t)
	_, spec := ask(t, http.MethodGet, "http://"+addr+"/openapi.json", "")
	for _, path := range []string{
		"/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions", "/v1/embeddings", "/v1/moderations", "/v1/images/generations",
		"/v1/audio/speech", "/v1/audio/transcriptions", "/v1/rerank", "/v2/rerank", "/v1/files", "/v1/batches", "/v1/fine_tuning/jobs",
		"/v1/vector_stores", "/v1/realtime", "/utils/transform_request", "/utils/token_counter",
	} {
		if !strings.Contains(spec, `"`+path+`"`) {
			t.Errorf("the documents say that %s is served; openapi.json does not", path)
		}
	}
}
