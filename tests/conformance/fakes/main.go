// Command fakes runs the strict fake providers of the tests as a program, so that
// clients in other languages can be driven against a gateway in front of them.
//
// It writes one line of JSON with their addresses and keys, and then serves until
// its standard input is closed. GET /report on the control address tells what each
// provider saw since the last report.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// console is the test that the fakes belong to: it ends with the process.
type console struct{ testing.TB }

func (console) Helper()        {}
func (console) Cleanup(func()) {}

// provider is where one fake is and what it takes.
type provider struct {
	Base string `json:"base"`
	Key  string `json:"key"`
	fake *testkit.Fake
}

// seen is what one provider saw since the last report.
type seen struct {
	Answered int `json:"answered"`
	// Refused has the refusals of requests that a provider would never accept;
	// Probes counts the questions for an API that it does not have.
	Refused []string `json:"refused"`
	Probes  int      `json:"probes"`
	// State is the reasoning state that came back: Real and Thinking are the
	// provider's own, Placeholders stand in for lost state, Foreign is another's.
	Real         int `json:"real"`
	Thinking     int `json:"thinking"`
	Placeholders int `json:"placeholders"`
	Foreign      int `json:"foreign"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fakes:", err)
		os.Exit(1)
	}
}

func run(stdin io.Reader, stdout io.Writer) error {
	all := providers()
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("no address for the control server: %w", err)
	}
	go http.Serve(control, report(all)) //nolint:errcheck // it ends with the process
	hello := map[string]any{"control": "http://" + control.Addr().String(), "providers": all}
	if err := json.NewEncoder(stdout).Encode(hello); err != nil {
		return fmt.Errorf("nobody reads the addresses: %w", err)
	}
	_, err = io.Copy(io.Discard, stdin)
	return err
}

func providers() map[string]*provider {
	t := console{}
	all := map[string]*provider{}
	for name, fake := range map[string]*testkit.Fake{
		"openai":    testkit.NewOpenAI(t),
		"anthropic": testkit.NewAnthropic(t, testkit.WithScript(eager)),
		"deepseek":  testkit.NewDeepSeek(t, testkit.WithScript(obedient)),
		"gemini":    testkit.NewGemini(t),
	} {
		all[name] = &provider{Base: fake.URL(), Key: fake.Key(), fake: fake}
	}
	return all
}

func report(all map[string]*provider) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /report", func(w http.ResponseWriter, _ *http.Request) {
		out := map[string]seen{}
		for name, p := range all {
			out[name] = summary(p.fake.Requests())
			p.fake.Forget()
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(out) //nolint:errcheck // a reader that left needs no answer
	})
	return mux
}

func summary(requests []testkit.Request) seen {
	s := seen{Refused: []string{}}
	for _, r := range requests {
		switch {
		case probe(r):
			s.Probes++
		case r.Refused == "":
			s.Answered++
		default:
			s.Refused = append(s.Refused, r.Refused)
		}
		s.Real += r.State.Real
		s.Thinking += r.State.Thinking
		s.Placeholders += r.State.Placeholders
		s.Foreign += r.State.Foreign
	}
	return s
}

// probe reports whether the request asked for an API that the provider does not
// have, which a gateway may do once to learn it.
func probe(r testkit.Request) bool {
	return r.Status == http.StatusNotFound && (r.Refused == "" || strings.HasPrefix(r.Refused, "Invalid URL"))
}
