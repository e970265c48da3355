package testkit_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const hello = `{"model":"gpt-4o","messages":[{"role":"user","content":"<<text:héllo wörld>>"}],"stream":true}`

func ask(t *testing.T, f *testkit.Fake, body string) (answer, error) {
	t.Helper()
	defer http.DefaultClient.CloseIdleConnections()
	return post(t, f.URL()+"/chat/completions", body, "Authorization", "Bearer "+f.Key())
}

func TestFaultsHappenOnceEachAndInOrder(t *testing.T) {
	f := testkit.NewOpenAI(t)
	f.Inject(testkit.Fail(429, "retry-after", "7"), testkit.FailWith(418, "tea"), testkit.HTML())
	got, _ := ask(t, f, hello)
	if got.status != 429 || got.header.Get("Retry-After") != "7" || got.get("error.code") != "rate_limit_exceeded" {
		t.Errorf("first: %d %v %s", got.status, got.header, got.body)
	}
	if got, _ := ask(t, f, hello); got.status != 418 || got.body != "tea" {
		t.Errorf("second: %d %s", got.status, got.body)
	}
	if got, _ := ask(t, f, hello); got.status != 200 || got.header.Get("Content-Type") != "text/html" {
		t.Errorf("third: %d %s", got.status, got.body)
	}
	if got, _ := ask(t, f, hello); !strings.Contains(got.body, "[DONE]") {
		t.Errorf("fourth: %s", got.body)
	}
}

func TestAlwaysLastsUntilHealed(t *testing.T) {
	f := testkit.NewOpenAI(t)
	f.Always(testkit.Fail(503))
	for range 3 {
		if got, _ := ask(t, f, hello); got.status != 503 {
			t.Fatalf("status %d", got.status)
		}
	}
	f.Heal()
	if got, _ := ask(t, f, hello); got.status != 200 {
		t.Fatalf("status %d after healing", got.status)
	}
}

func TestCutsBreakTheConnection(t *testing.T) {
	f := testkit.NewOpenAI(t)
	f.Inject(testkit.CutAfterEvents(2), testkit.CutAfterBytes(10), testkit.Drop())
	got, err := ask(t, f, hello)
	if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Count(got.body, "data: ") != 2 {
		t.Errorf("after events: %v %q", err, got.body)
	}
	got, err = ask(t, f, hello)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(got.body) != 10 {
		t.Errorf("after bytes: %v %q", err, got.body)
	}
	if _, err := ask(t, f, hello); err == nil {
		t.Error("a dropped connection gave an answer")
	}
}

func TestStreamFaultsChangeOnlyTheirPlace(t *testing.T) {
	f := testkit.NewOpenAI(t)
	plain, _ := ask(t, f, hello)
	events := strings.SplitAfter(plain.body, "\n\n")
	f.Inject(testkit.EndAfterEvents(3), testkit.ErrorAfterEvents(1, 500), testkit.SplitBytes(), testkit.Comments(), testkit.HugeLine(9000))
	if got, err := ask(t, f, hello); err != nil || strings.Count(got.body, "data: ") != 3 {
		t.Errorf("end: %v %q", err, got.body)
	}
	if got, _ := ask(t, f, hello); strings.Count(got.body, "data: ") != 2 || !strings.Contains(got.body, `data: {"error":`) {
		t.Errorf("error event: %q", got.body)
	}
	if got, _ := ask(t, f, hello); len(got.body) != len(plain.body) {
		t.Errorf("split: %q", got.body)
	}
	if got, _ := ask(t, f, hello); strings.Count(got.body, ": keep-alive\n\ndata: ") != len(events)-1 {
		t.Errorf("comments: %q", got.body)
	}
	if got, _ := ask(t, f, hello); !strings.HasPrefix(got.body, ": xxxx") || len(got.body) < 9000 {
		t.Errorf("huge line: %d bytes", len(got.body))
	}
}

func TestAClientThatLeavesIsNoticed(t *testing.T) {
	f := testkit.NewOpenAI(t)
	f.Inject(testkit.PauseAfterEvents(2, nil), testkit.Hang(), testkit.Wait(make(chan struct{})))
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan struct{})
		go func() {
			defer close(left)
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, f.URL()+"/chat/completions", strings.NewReader(hello))
			req.Header.Set("Authorization", "Bearer "+f.Key())
			if resp, err := http.DefaultClient.Do(req); err == nil {
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		}()
		<-f.Arrived()
		cancel()
		<-left
		<-f.Gone()
	}
}

func TestAPauseEndsWithItsChannel(t *testing.T) {
	f := testkit.NewOpenAI(t)
	resume := make(chan struct{})
	f.Inject(testkit.PauseAfterEvents(1, resume))
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL()+"/chat/completions", strings.NewReader(hello))
	req.Header.Set("Authorization", "Bearer "+f.Key())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if first, err := lines.ReadString('\n'); err != nil || !strings.Contains(first, "assistant") {
		t.Fatalf("first event: %v %q", err, first)
	}
	close(resume)
	if rest, err := io.ReadAll(lines); err != nil || !strings.Contains(string(rest), "[DONE]") {
		t.Fatalf("rest: %v %q", err, rest)
	}
}

func TestRequestsAreRecordedAsTheyCame(t *testing.T) {
	f := testkit.NewOpenAI(t)
	odd := `{ "messages":[{"role":"user","content":"x"}],  "seed":12345678901234567890,"model":"gpt-4o" }`
	if got, err := ask(t, f, odd); err != nil || got.status != 200 {
		t.Fatalf("%v %s", err, got.body)
	}
	if r := f.Last(t); string(r.Body) != odd || r.Path != "/v1/chat/completions" || r.Status != 200 || r.Header.Get("Authorization") != "Bearer "+f.Key() {
		t.Fatalf("recorded %+v", r)
	}
	f.Forget()
	if n := len(f.Requests()); n != 0 {
		t.Fatalf("%d requests after Forget", n)
	}
}

func TestDuplicateMembersAndBadUTF8AreRefused(t *testing.T) {
	f := testkit.NewOpenAI(t)
	for _, body := range []string{`{"model":"gpt-4o","model":"gpt-5"}`, "{\"model\":\"\xff\"}", `[]`, `{`} {
		if got, _ := ask(t, f, body); got.status != 400 {
			t.Errorf("%q: %d", body, got.status)
		}
	}
}
