package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/app"
	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// why asks what happened to the request with an id.
func (g *gateway) why(id string, pairs ...string) reply {
	g.t.Helper()
	return g.send(http.MethodGet, "/fairlead/why/"+id, "", pairs...)
}

func TestWhyTellsTheCourseOfARequest(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		bad, good := testkit.NewAnthropic(t), testkit.NewOpenAI(t)
		g := start(t, modelList("router_settings: {num_retries: 1, allowed_fails: 0}\nlitellm_settings: {fallbacks: [{m: [spare]}]}",
			deployment("m", sonnet, bad), deployment("spare", "openai/gpt-4o", good)))
		bad.Always(testkit.FailWith(401, `{"type":"error","error":{"type":"authentication_error","message":"no such key"}}`))
		body := plain("m", "a very private question")
		if stream {
			body = streamed(body)
		}
		id := g.post(body).ok().header.Get("x-litellm-call-id")
		g.log.Find(0, requestLine, g.done)
		w := g.why(id).ok()
		for path, want := range map[string]string{
			"id": id, "model": "m", "format": "chat", "status": "200", "fallbacks": "1",
			"attempts.0.status": "401", "attempts.0.error_kind": "AuthenticationError", "attempts.#(group==\"spare\").status": "200",
			"attempts.#(group==\"spare\").upstream": "openai/gpt-4o",
			"decisions.0.what":                      "chosen", "decisions.1.what": "failed", "decisions.1.status": "401",
			"decisions.#(what==\"put into cooldown\").group": "m",
		} {
			if got := w.get(path).String(); got != want {
				t.Errorf("%s is %q, want %q", path, got, want)
			}
		}
		if w.get("total_ms").Float() <= 0 || w.get("first_byte_ms").Float() <= 0 || w.get("first_token_ms").Float() <= 0 {
			t.Errorf("times are missing")
		}
		for i, stages := range [][]string{{"sent_ms", "first_byte_ms"}, {"sent_ms", "first_byte_ms", "first_token_ms", "took_ms"}} {
			last := 0.0
			for _, stage := range stages {
				at := w.get("attempts." + fmt.Sprint(i) + "." + stage).Float()
				if at < last || at == 0 && stage != "sent_ms" {
					t.Errorf("attempt %d: %s is %v, after %v", i, stage, at, last)
				}
				last = at
			}
		}
		if w.get("stream").Bool() != stream || w.get("cost_usd").String() == "" || w.get("output_tokens").Int() == 0 {
			t.Errorf("stream, cost or tokens")
		}
		for _, secret := range []string{"private", bad.Key(), good.Key()} {
			if strings.Contains(w.body, secret) {
				t.Errorf("the record holds %q", secret)
			}
		}
		if t.Failed() {
			t.Log(w.body)
		}
	})
}

func TestWhyTellsWhatTheConnectionTook(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList("", deployment("m", "openai/gpt-4o", f)))
	for i, want := range []string{"new", "kept"} {
		id := g.post(plain("m", "?")).ok().header.Get("x-litellm-call-id")
		g.log.Find(0, regexp.MustCompile(`request id.*`+id), g.done)
		w := g.why(id).ok()
		if a := w.get("attempts.0"); a.Get("connection").String() != want || (a.Get("connect_ms").Float() > 0) != (want == "new") || a.Get("tls_ms").Exists() {
			t.Errorf("request %d: %s", i, a)
		}
		if told := whyCommand(g, id); !regexp.MustCompile(`CONNECTION[^z]*│ ` + want).MatchString(told) {
			t.Errorf("request %d: the command says %s", i, told)
		}
	}
}

func TestARefusedKeyIsNamedByWhatHoldsIt(t *testing.T) {
	f, spare := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	refusal := testkit.FailWith(401, `{"error":{"message":"wrong key `+f.Key()+`","type":"invalid_request_error"}}`)
	f.Always(refusal)
	inFile := "api_key of deployment first"
	for name, d := range map[string][2]string{
		"variable": {"os.environ/FIRST_KEY", "FIRST_KEY"}, "file": {f.Key(), inFile},
	} {
		entry := func(f *testkit.Fake, key, id string) string {
			return fmt.Sprintf("- model_name: m\n  litellm_params: {model: openai/gpt-4o, api_base: %s, api_key: %s, order: %d}\n  model_info: {id: %s}\n", f.URL(), key, len(id), id)
		}
		env := []string{"FIRST_KEY", f.Key()}
		g := start(t, modelList("", entry(f, d[0], "first"), entry(spare, spare.Key(), "second")), env...)
		r := g.post(plain("m", "?"), "X-Fairlead-Why", "1").ok()
		why := r.header.Get("x-fairlead-why")
		for _, part := range []string{"first chosen, not second (its order comes later)", "first failed with 401 AuthenticationError", "second chosen"} {
			if !strings.Contains(why, part) {
				t.Errorf("%s: the header does not say %q: %s", name, part, why)
			}
		}
		w := g.why(r.header.Get("x-litellm-call-id")).ok()
		if got := w.get("attempts.0.key").String(); got != d[1] || w.get("decisions.0.over.0.deployment").String() != "second" {
			t.Errorf("%s: the record names %q: %s", name, got, w.body)
		}
		if told := whyCommand(g, r.header.Get("x-litellm-call-id")); !strings.Contains(told, "openai/gpt-4o (second)") || !strings.Contains(told, "not chosen: its order comes later") {
			t.Errorf("%s: the command says %s", name, told)
		}
		g.stop()
		g = start(t, modelList(noRetries, entry(f, d[0], "first")), env...)
		if r := g.post(plain("m", "?")); r.status != 401 || !strings.Contains(r.body, "The upstream key at fault: "+d[1]) || strings.Contains(r.body, f.Key()) || r.header.Get("x-fairlead-why") != "" {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if g.log.Find(0, regexp.MustCompile(`an upstream refuses a key.*first.*`+regexp.QuoteMeta(d[1])), g.done) == "" {
			t.Errorf("%s: the log does not name the key", name)
		}
		g.stop()
	}
}

func TestWhyTellsWhatFailedForGood(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	f.Inject(testkit.Fail(503))
	for _, tt := range []struct{ body, kind string }{{plain("m", "?"), "ServiceUnavailableError"}, {plain("nobody", "?"), ""}} {
		r := g.post(tt.body)
		w := g.why(r.header.Get("x-litellm-call-id")).ok()
		if got := w.get("status").Int(); int(got) != r.status || w.get("error").String() == "" || tt.kind != "" && w.get("error_kind").String() != tt.kind {
			t.Errorf("the client got %d, the record says %s", r.status, w.body)
		}
	}
}

func TestWhyTellsOfStateThatWasRestoredAndKeepalivesThatCameFirst(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(impatient, deployment("m", "openai/gpt-4o", f)))
	down := make(chan struct{})
	f.Inject(testkit.Wait(down))
	resp := g.open(context.Background(), streamed(plain("m", speech)))
	defer resp.Body.Close()
	close(down)
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	g.log.Find(0, requestLine, g.done)
	w := g.why(resp.Header.Get("x-litellm-call-id")).ok()
	if !w.get("keepalive_before_answer").Bool() || !w.get("restored.signatures").Exists() {
		t.Errorf("%s", w.body)
	}
}

func TestWhyIsForTheMasterKey(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList("general_settings: {master_key: sk-the-master-key}", deployment("m", "openai/gpt-4o", f)))
	id := g.post(plain("m", speech), "Authorization", "Bearer sk-the-master-key").ok().header.Get("x-litellm-call-id")
	if r := g.why(id); r.status != http.StatusUnauthorized {
		t.Errorf("without a key: %d %s", r.status, r.body)
	}
	if r := g.why(id, "Authorization", "Bearer sk-the-master-key"); r.status != http.StatusOK {
		t.Errorf("with the key: %d %s", r.status, r.body)
	}
	r := g.why("nobody", "Authorization", "Bearer sk-the-master-key")
	if r.status != http.StatusNotFound || !strings.Contains(gjson.Get(r.body, "error.message").String(), "x-litellm-call-id") {
		t.Errorf("an unknown id: %d %s", r.status, r.body)
	}
}

func TestWhyTellsTheSameAfterARestart(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		dir, bad, good := t.TempDir(), testkit.NewAnthropic(t), testkit.NewOpenAI(t)
		yaml := modelList("router_settings: {num_retries: 0}\nlitellm_settings: {fallbacks: [{m: [spare]}]}\nfairlead_settings: {data_dir: "+dir+"}",
			deployment("m", sonnet, bad), deployment("spare", "openai/gpt-4o", good))
		bad.Always(testkit.FailWith(400, `{"type":"error","error":{"type":"invalid_request_error","message":"wrong key `+bad.Key()+`"}}`))
		g := start(t, yaml)
		body := plain("m", "a very private question")
		if stream {
			body = streamed(body)
		}
		id := g.post(body).header.Get("x-litellm-call-id")
		g.log.Find(0, requestLine, g.done)
		before := g.why(id).ok()
		g.stop()
		g = start(t, yaml)
		after := g.why(id).ok()
		if after.body != before.body || after.get("attempts.0.status").Int() != 400 {
			t.Errorf("before the restart\n%s\nafter it\n%s", before.body, after.body)
		}
		if told := whyCommand(g, id); !strings.Contains(told, "Why it went where it went") || !strings.Contains(told, "400") {
			t.Errorf("the command says %s", told)
		}
		g.stop()
		holdsNone(t, dir, "private", bad.Key(), good.Key())
	})
}

// whyCommand is what fairlead why says of a request.
func whyCommand(g *gateway, id string) string {
	g.t.Helper()
	out := testkit.NewTranscript()
	if code := app.Main(context.Background(), app.Options{
		Args: []string{"why", id, "--url", g.url}, Env: testkit.Environment(nil), Stdin: strings.NewReader(""), Stdout: out, Stderr: out,
	}); code != 0 {
		g.t.Errorf("the command ended with %d", code)
	}
	return out.String()
}

// holdsNone looks for texts in the files of requests.
func holdsNone(t *testing.T, dir string, texts ...string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "requests.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of requests: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if strings.Contains(string(b), text) {
				t.Errorf("%s holds %q", file, text)
			}
		}
	}
}

func TestWhyAndRequestsDoWithoutTheirFile(t *testing.T) {
	dir, f := t.TempDir(), testkit.NewOpenAI(t)
	if err := os.WriteFile(filepath.Join(dir, "requests.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	g := start(t, modelList("fairlead_settings: {data_dir: "+dir+"}", deployment("m", "openai/gpt-4o", f)))
	g.why(g.post(plain("m", speech)).ok().header.Get("x-litellm-call-id")).ok()
	if g.log.Find(0, regexp.MustCompile(`from memory only.*requests\.db`), g.done) == "" {
		t.Error("the log does not name the file")
	}
}

func TestWithoutADataDirectoryNothingIsWritten(t *testing.T) {
	dir, f := t.TempDir(), testkit.NewOpenAI(t)
	t.Chdir(dir)
	g := start(t, modelList("", deployment("m", "openai/gpt-4o", f)))
	g.why(g.post(plain("m", speech)).ok().header.Get("x-litellm-call-id")).ok()
	g.stop()
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("%v %v", files, err)
	}
}
