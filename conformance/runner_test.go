package conformance

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/conformance/golden"
)

// litellm is a stand-in that does what LiteLLM did in one vector: the recorded calls, then the recorded answer.
type litellm struct {
	vector   *golden.Vector
	upstream *upstream
}

func (l *litellm) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body) //nolint:errcheck
	v, err := l.vector.At(l.upstream.addr)
	if err != nil {
		return
	}
	for _, u := range v.Upstream {
		l.call(r.Context(), u)
	}
	for k, h := range v.Response.Headers {
		w.Header().Set(k, h)
	}
	w.WriteHeader(v.Response.Status)
	w.Write(bodyBytes(v.Response.Body)) //nolint:errcheck
}

func (l *litellm) call(ctx context.Context, u golden.Exchange) {
	if string(u.Response.Body) == `"<<hang>>"` {
		select {
		case <-l.upstream.asked: // of an earlier call
		default:
		}
		short, cancel := context.WithCancel(ctx)
		defer cancel()
		go func() { // it loses its patience as soon as it was heard
			select {
			case <-l.upstream.asked:
				cancel()
			case <-short.Done():
			}
		}()
		ctx = short
	}
	c := u.Request
	r, err := http.NewRequestWithContext(ctx, c.Method, "http://"+l.upstream.addr+c.Path, bytes.NewReader(bodyBytes(c.Body)))
	if err != nil {
		return
	}
	for k, h := range c.Headers {
		r.Header.Set(k, h)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body) //nolint:errcheck // a cut stream is part of some vectors
}

// TestRunnerPassesWhatLiteLLMDid drives every vector through the runner with LiteLLM's own behaviour behind it, so that
// a difference that TestGolden reports is the gateway's and not the runner's.
func TestRunnerPassesWhatLiteLLMDid(t *testing.T) {
	u, err := startUpstream()
	if err != nil {
		t.Fatal(err)
	}
	l := &litellm{upstream: u}
	s := httptest.NewServer(l)
	g := newGateway(strings.TrimPrefix(s.URL, "http://"), s.Close, u)
	defer g.close()
	rules := readRules(t)
	for _, v := range readPack(t) {
		if v.Prelude != nil || v.Response.Status == http.StatusNoContent {
			continue // a first turn needs a gateway of its own
		}
		l.vector = v
		o, err := g.run(v, rules)
		if err != nil {
			t.Fatal(err)
		}
		if !o.Passed() && !o.Must && v.Case != "bad_api_base_in_body" {
			t.Errorf("%s: %s", v.Case, report(&o))
		}
	}
}
