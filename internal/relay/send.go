package relay

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// send sends the encoded request.
func (x *exchange) send(ctx context.Context) (*upstream.Response, error) {
	r, err := x.outgoing()
	if err != nil {
		return nil, err
	}
	if x.relay.Debug {
		x.debugBody("request to the upstream", x.call.Whole())
	}
	x.attempting()
	x.sent = x.relay.Now()
	resp, failed := x.dep.Client.Do(ctx, r)
	x.link = r.Opening
	if failed != nil {
		return nil, failed
	}
	return resp, nil
}

// outgoing is the encoded request as it goes to the deployment.
func (x *exchange) outgoing() (*upstream.Request, error) {
	r := &upstream.Request{
		Base: x.dep.Base, Path: x.call.Path, Header: x.outHeader(), Body: x.call.Body, Rest: x.call.Rest, Timeouts: x.timeouts(),
		Hops: x.rq.field(upstream.HopHeader), Provider: x.target.Provider, Model: x.target.Model,
	}
	if x.call.Absolute {
		u, err := url.Parse(x.call.Path)
		if err != nil {
			return nil, llm.AsError(err)
		}
		r.URL = u
	}
	return r, nil
}

// timeouts: the request's own, else the deployment's, else the router's. A stream
// has stream_timeout first.
func (x *exchange) timeouts() upstream.Timeouts {
	stream := x.rq.LLM.Stream
	c, d, r, l := &x.controls, x.dep.Config, &x.rq.Models.Config.Router, &x.rq.Models.Config.Defaults
	choices := []time.Duration{c.Timeout, d.Timeout, r.Timeout, l.RequestTimeout}
	if stream {
		choices = []time.Duration{c.StreamTimeout, c.Timeout, d.StreamTimeout, d.Timeout, r.StreamTimeout, r.Timeout, l.RequestTimeout}
	}
	for _, t := range choices {
		if t > 0 {
			return upstream.TimeoutsFor(stream, t)
		}
	}
	return upstream.Timeouts{}
}

// outHeader is built from an allow-list: nothing of the client's goes upstream
// unless the operator says so, and never its key.
func (x *exchange) outHeader() http.Header {
	h := make(http.Header, 8+len(x.dep.header)+len(x.call.Header))
	h["Content-Type"] = headerJSON
	for k, v := range x.call.Header {
		h[k] = v
	}
	if x.rq.Models.Config.General.ForwardClientHeaders {
		forwardClientHeaders(h, x.rq.Header)
	}
	if org := x.rq.Header["Openai-Organization"]; org != nil && x.rq.Models.Config.General.ForwardOpenAIOrgID {
		h["Openai-Organization"] = org
	}
	for k, v := range x.controls.ExtraHeaders.Members() {
		if s, ok := v.Str(); ok && forwardable(http.CanonicalHeaderKey(k)) {
			h.Set(k, s)
		}
	}
	for k, v := range x.dep.header {
		h[k] = v
	}
	x.dep.authorize(h, x.authStyle())
	return h
}

// forwardClientHeaders copies what forward_client_headers_to_llm_api means:
// headers of the form x-… besides the ones that hold keys or are the gateway's.
func forwardClientHeaders(h, from http.Header) {
	for name, v := range from {
		if strings.HasPrefix(name, "X-") && forwardable(name) {
			h[name] = v
		}
	}
}

// forwardable reports whether a header of the client's may go to an upstream.
func forwardable(name string) bool {
	switch name {
	case "X-Api-Key", "X-Goog-Api-Key", "Api-Key", "Authorization", "Ocp-Apim-Subscription-Key", "Cookie", "Host", "Connection",
		"Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive",
		"Proxy-Authorization", "Proxy-Connection", "Accept-Encoding", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip",
		// With these net/http would take a POST for repeatable.
		"Idempotency-Key", "X-Idempotency-Key":
		return false
	}
	return !strings.HasPrefix(name, "X-Litellm-") && !strings.HasPrefix(name, "X-Fairlead-") && !strings.HasPrefix(name, "X-Stainless-")
}

// authStyle is how the key is sent: a provider's second API takes it in the way of
// that API.
func (x *exchange) authStyle() string {
	if x.wire != x.dep.Wire && x.wire.Name() == provider.WireAnthropic {
		return provider.AuthAPIKey
	}
	return x.dep.Row.Auth
}

// keyHeader is a deployment's key as header values, made once: they are sent with
// every request. Both are nil when there is no key.
type keyHeader struct{ bare, bearer []string }

func keyHeaderOf(key string) keyHeader {
	if key == "" {
		return keyHeader{}
	}
	return keyHeader{bare: []string{key}, bearer: []string{"Bearer " + key}}
}

// authorize puts in the deployment's key, in the way of its provider.
func (d *Deployment) authorize(h http.Header, style string) {
	if d.key.bare == nil {
		return
	}
	switch style {
	case provider.AuthBearer:
		h["Authorization"] = d.key.bearer
	case provider.AuthAPIKey:
		h["X-Api-Key"] = d.key.bare
	case provider.AuthGoogle:
		h["X-Goog-Api-Key"] = d.key.bare
	}
}

// betas are the client's anthropic-beta values that the target knows.
func betas(rq *Request, d *Deployment) []string {
	if d.Row.Wire != provider.WireAnthropic {
		return nil
	}
	known := provider.AnthropicBetas(d.Row.Name)
	var out []string
	for _, line := range rq.Header["Anthropic-Beta"] {
		for beta := range strings.SplitSeq(line, ",") {
			if name := known[strings.TrimSpace(beta)]; name != "" {
				out = append(out, name)
			}
		}
	}
	return out
}
