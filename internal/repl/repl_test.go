package repl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/client"
)

// gateway answers every question with its number of messages, streamed; "slow" is
// answered when the client leaves, and "call NAME ARGS" with a tool call.
func gateway(t *testing.T) *client.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"id":"fast"},{"id":"gemini/*"}]}`)
	})
	mux.HandleFunc("POST /v1/chat/completions", complete)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return client.New(s.URL, "")
}

func complete(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Model    string
		Messages []client.Message
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if in.Model != "fast" {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":{"message":"invalid model"}}`)
		return
	}
	last := in.Messages[len(in.Messages)-1]
	delta := fmt.Sprintf(`{"reasoning_content":"hm\u001b[2J","content":"%d messages\u001b[2J","thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"c2lnbmF0dXJl"}]}`, len(in.Messages))
	if name, args, ok := strings.Cut(strings.TrimPrefix(last.Content, "call "), " "); ok && strings.HasPrefix(last.Content, "call ") {
		call, _ := json.Marshal(map[string]any{"index": 0, "id": "x", "type": "function", "function": map[string]string{"name": name, "arguments": args}})
		delta = `{"tool_calls":[` + string(call) + `]}`
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":"+delta+"}]}\n\n")
	if last.Content == "slow" {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		return
	}
	_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n")
}

// transcript is written by the chat and read by the test.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
	seen chan struct{}
	want string
}

func (l *transcript) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if l.seen != nil && strings.Contains(l.text.String(), l.want) {
		close(l.seen)
		l.seen = nil
	}
	return len(p), nil
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// say runs an interactive chat with lines as the user's input.
func say(t *testing.T, o Options, lines ...string) (string, error) {
	t.Helper()
	out := &transcript{}
	o.Client, o.Interactive, o.In, o.Out, o.Notes = gateway(t), true, strings.NewReader(strings.Join(lines, "\n")+"\n"), out, out
	if o.Model == "" {
		o.Model = "fast"
	}
	err := Run(t.Context(), o)
	return out.String(), err
}

func TestConversationGrowsTurnByTurn(t *testing.T) {
	out, err := say(t, Options{System: "be brief"}, "one", "", `two \`, "lines", "/new", "three")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 messages", "4 messages", "A new conversation."} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Count(out, "2 messages") != 2 {
		t.Errorf("/new did not begin again:\n%s", out)
	}
}

func TestCommands(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"/help", "/models"},
		{"/model", "The model is fast."},
		{"/model gemini/x", "The model is gemini/x now."},
		{"/model fats", `Did you mean fast?`},
		{"/models", "  gemini/*"},
		{"/trace", "Reasoning is shown."},
		{"/what", "there is no command /what"},
	} {
		if out, err := say(t, Options{}, c.line); err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v, no %q in\n%s", c.line, err, c.want, out)
		}
	}
	if out, err := say(t, Options{}, "/quit", "not asked"); err != nil || strings.Contains(out, "messages") {
		t.Errorf("/quit does not leave: %v\n%s", err, out)
	}
}

func TestTraceShowsReasoningAndThatASignatureCame(t *testing.T) {
	out, err := say(t, Options{Trace: true}, "one")
	if err != nil || !strings.Contains(out, "hm") || !strings.Contains(out, "· signature, 12 characters") || !strings.Contains(out, "3 tokens in, 2 out") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(out, "c2lnbmF0dXJl") {
		t.Error("the signature itself is shown")
	}
	if out, _ := say(t, Options{}, "one"); strings.Contains(out, "hm") {
		t.Errorf("reasoning is shown without --trace:\n%s", out)
	}
}

func TestTerminalIsSafeFromWhatModelsWrite(t *testing.T) {
	out, err := say(t, Options{Trace: true, Terminal: true}, "one")
	if err != nil || strings.Contains(out, "\x1b") {
		t.Errorf("%v: an escape sequence of the model reached the terminal: %q", err, out)
	}
}

func TestToolCallsAreRunAndShown(t *testing.T) {
	out, err := say(t, Options{Tools: []client.Tool{calculator()}}, `call calculator {"expression":"6*7"}`)
	if err != nil || !strings.Contains(out, `→ calculator {"expression":"6*7"}`) || !strings.Contains(out, "← 42") || !strings.Contains(out, "3 messages") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestInterruptEndsTheAnswerFirst(t *testing.T) {
	signals, seen := make(chan os.Signal, 1), make(chan struct{})
	out := &transcript{seen: seen, want: "1 messages"}
	in, typed := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- Run(context.WithoutCancel(t.Context()), Options{Client: gateway(t), Model: "fast", Interactive: true, In: in, Out: out, Notes: out, Signals: signals})
	}()
	_, _ = io.WriteString(typed, "slow\n")
	<-seen
	signals <- os.Interrupt
	_, _ = io.WriteString(typed, "again\n/quit\n")
	_ = typed.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "(interrupted") || strings.Count(text, "1 messages") != 2 {
		t.Errorf("after an interrupt the chat should go on without the question:\n%s", text)
	}
}

func TestInterruptAtThePromptLeaves(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	in, typed := io.Pipe()
	defer typed.Close()
	if err := Run(t.Context(), Options{Client: gateway(t), Model: "fast", Interactive: true, In: in, Out: io.Discard, Notes: io.Discard, Signals: signals}); err != nil {
		t.Error(err)
	}
}

func TestPipedQuestionGetsThePlainAnswer(t *testing.T) {
	var out, notes bytes.Buffer
	err := Run(t.Context(), Options{Client: gateway(t), Model: "fast", In: strings.NewReader("a\nb\n"), Out: &out, Notes: &notes})
	if err != nil || out.String() != "1 messages\x1b[2J\n" || notes.Len() != 0 {
		t.Errorf("%v, out %q, notes %q", err, out.String(), notes.String())
	}
	if err := Run(t.Context(), Options{Client: gateway(t), Model: "fast", In: strings.NewReader(" \n"), Out: &out, Notes: &notes}); err == nil {
		t.Error("no question is no error")
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	silent := httptest.NewServer(http.NotFoundHandler())
	silent.Close()
	locked := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"wrong key."}}`)
	}))
	defer locked.Close()
	for _, c := range []struct {
		name   string
		client *client.Client
		model  string
		want   string
	}{
		{"no gateway", client.New(silent.URL, ""), "fast", "Start one in another terminal with: fairlead"},
		{"wrong key", client.New(locked.URL, ""), "fast", "(wrong key). Give the master key with --key"},
		{"unknown model", gateway(t), "fsat", `the gateway has no model "fsat". Did you mean fast?`},
		{"unlike any model", gateway(t), "claude", `It has fast, gemini/*`},
		{"the gateway's own reason", gateway(t), "gemini/x", "invalid model"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Run(t.Context(), Options{Client: c.client, Model: c.model, Prompt: "hi", Out: io.Discard, Notes: io.Discard})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestUnknownModelIsSaidBeforeTheFirstQuestion(t *testing.T) {
	if _, err := say(t, Options{Model: "fsat"}, "hi"); err == nil {
		t.Error("an interactive chat begins with a model that is not there")
	}
}

// run calls a built-in tool.
func run(t *testing.T, dir, name, args string) (string, error) {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tools, err := Tools([]string{name}, root, func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	return tools[0].Run(t.Context(), json.RawMessage(args))
}

func TestToolsReadOnlyWhatTheyMay(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside.txt")
	files := map[string]string{"a.txt": "hello", ".env": "KEY=1", "server.key": "x", "bin": "a\x00b", "sub/b.txt": "世界", "big.txt": strings.Repeat("x", maxFile) + "tail"}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.txt")); err != nil {
		t.Logf("no symbolic links here: %v", err)
	}
	for _, c := range []struct{ tool, args, want, refused string }{
		{"list_files", `{}`, "a.txt\nbig.txt\nbin\nlink.txt\nsub/", ""},
		{"list_files", `{"path":"sub"}`, "b.txt", ""},
		{"list_files", `{"path":"none"}`, "", "none does not exist"},
		{"read_file", `{"path":"a.txt"}`, "hello", ""},
		{"read_file", `{"path":"a.txt","offset":9}`, "", ""},
		{"read_file", `{"path":"sub/b.txt"}`, "世界", ""},
		{"read_file", `{"path":"big.txt","offset":65536}`, "tail", ""},
		{"read_file", `{"path":"bin"}`, "", "bin is no text"},
		{"read_file", `{"path":"sub"}`, "", "sub is no regular file"},
		{"read_file", `{"path":".env"}`, "", "hidden from models"},
		{"read_file", `{"path":"./sub/../.env"}`, "", "hidden from models"},
		{"read_file", `{"path":"server.key"}`, "", "hidden from models"},
		{"read_file", `{"path":"../outside.txt"}`, "", "cannot be read"},
		{"read_file", `{"path":"link.txt"}`, "", "cannot be read"},
		{"read_file", `{"path":7}`, "", "do not fit the schema"},
		{"clock", `{"zone":"Europe/Berlin"}`, "Tue, 24 Nov 2026 13:00:00 +0100", ""},
		{"clock", `{"zone":"Mars"}`, "", `no time zone "Mars"`},
		{"calculator", `{"expression":"1/4"}`, "0.25", ""},
	} {
		got, err := run(t, dir, c.tool, c.args)
		if got != c.want || (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s %s: %q, %v; want %q, %q", c.tool, c.args, got, err, c.want, c.refused)
		}
	}
	if big, err := run(t, dir, "read_file", `{"path":"big.txt"}`); err != nil || !strings.HasSuffix(big, "(65536 of 65540 bytes; read on with offset 65536)") {
		t.Errorf("%v, …%s", err, big[max(0, len(big)-80):])
	}
}

func TestUnknownToolIsRefused(t *testing.T) {
	if _, err := Tools([]string{"shell"}, nil, time.Now); err == nil || !strings.Contains(err.Error(), "clock, calculator, list_files, read_file") {
		t.Errorf("got %v", err)
	}
	if all, err := Tools([]string{"all"}, nil, time.Now); err != nil || len(all) != 4 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestCalculateIsExact(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"0.1 + 0.2", "0.3"},
		{"1/3", "0.333333333333"},
		{"2^10", "1024"},
		{"-2^2", "-4"},
		{"2^-1", "0.5"},
		{"2^3^2", "512"},
		{"(1 + 2) * 3 - 4 / 8", "8.5"},
		{"7 % 3", "1"},
		{"-7 % 3", "2"},
		{"--1", "1"},
		{"10 - 2 - 3", "5"},
		{"1e", "error"},
		{"", "error"},
		{"1 +", "error"},
		{"(1", "error"},
		{"1 2", "error"},
		{"1/0", "error"},
		{"0^-1", "error"},
		{"2^0.5", "error"},
		{"9^9^9", "error"},
		{strings.Repeat("(", 500), "error"},
		{strings.Repeat("-", 500) + "1", "error"},
		{"9^999 * 9^999 * 9^999 * 9^999 * 9^999 * 9^999 * 9^999", "error"},
	} {
		got, err := Calculate(c.in)
		if (err != nil) != (c.want == "error") || err == nil && got != c.want {
			t.Errorf("%s = %s, %v; want %s", c.in, got, err, c.want)
		}
	}
}

func FuzzCalculate(f *testing.F) {
	f.Add("(1 + 2) * -3 ^ 2 % 5 / 7")
	f.Fuzz(func(t *testing.T, expression string) {
		if got, err := Calculate(expression); err == nil && got == "" {
			t.Errorf("%q computes to nothing", expression)
		}
	})
}
