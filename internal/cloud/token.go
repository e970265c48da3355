package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// early is how long before its end a token is replaced, so that no request carries one
// that ends on the way; Google's own clients take 225 s.
const early = 4 * time.Minute

// Exchange posts a form to a token endpoint and returns the status and the body of the
// answer.
type Exchange func(ctx context.Context, address string, form url.Values) (status int, body []byte, failed *llm.Error)

// Tokens gives out the access token of one set of Google credentials: it is asked for
// at first use, by one request at a time, and kept until shortly before its end. It is
// safe for concurrent use.
type Tokens struct {
	load func() ([]byte, *llm.Error)
	// asking is held by the request that asks for a token.
	asking chan struct{}

	mu    sync.Mutex
	key   *GoogleKey
	value string
	until time.Time
}

// NewTokens returns the tokens of credentials that load reads when they are needed.
func NewTokens(load func() ([]byte, *llm.Error)) *Tokens {
	return &Tokens{load: load, asking: make(chan struct{}, 1)}
}

// Key returns the credentials.
func (t *Tokens) Key() (*GoogleKey, *llm.Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.key != nil {
		return t.key, nil
	}
	data, failed := t.load()
	if failed != nil {
		return nil, failed
	}
	key, err := ParseGoogleKey(data)
	if err != nil {
		return nil, llm.BadRequest("", "The gateway's Google credentials cannot be used: "+err.Error()+".")
	}
	t.key = key
	return key, nil
}

// Token returns a token that is good at now. ctx is the client's: when it leaves while
// it asks for a token, the next one asks anew.
func (t *Tokens) Token(ctx context.Context, now time.Time, ask Exchange) (string, *llm.Error) {
	if value := t.good(now.Add(early)); value != "" {
		return value, nil
	}
	select {
	case t.asking <- struct{}{}:
	case <-ctx.Done():
		return "", &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "The client left.", Cause: ctx.Err()}
	}
	defer func() { <-t.asking }()
	if value := t.good(now.Add(early)); value != "" {
		return value, nil // another request has got it meanwhile
	}
	value, failed := t.renew(ctx, now, ask)
	if old := t.good(now); failed != nil && old != "" {
		return old, nil
	}
	return value, failed
}

// Forget drops a token that was refused, so that the next request asks for another, and
// reads the credentials anew: they may have been replaced.
func (t *Tokens) Forget(value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value == value {
		t.value, t.key = "", nil
	}
}

func (t *Tokens) good(at time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.Before(t.until) {
		return t.value
	}
	return ""
}

func (t *Tokens) renew(ctx context.Context, now time.Time, ask Exchange) (string, *llm.Error) {
	key, failed := t.Key()
	if failed != nil {
		return "", failed
	}
	form, err := key.grant(now)
	if err != nil {
		e := unauthorized("The gateway's Google credentials cannot sign: their private_key is damaged.")
		e.Cause = err
		return "", e
	}
	status, body, failed := ask(ctx, key.tokenURI, form)
	if failed != nil {
		return "", failed
	}
	value, life, failed := readToken(status, body)
	if failed != nil {
		t.mu.Lock()
		t.key = nil // what was refused may be replaced
		t.mu.Unlock()
		return "", failed
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.value, t.until = value, now.Add(life)
	return value, nil
}

// readToken reads the answer of a token endpoint.
func readToken(status int, body []byte) (string, time.Duration, *llm.Error) {
	var a struct {
		Token       string  `json:"access_token"`
		Seconds     float64 `json:"expires_in"`
		Error       string  `json:"error"`
		Description string  `json:"error_description"`
	}
	err := json.Unmarshal(body, &a)
	switch {
	case err == nil && status == http.StatusOK && printable(a.Token):
		return a.Token, time.Duration(min(max(a.Seconds, 0), 86400) * float64(time.Second)), nil
	case err != nil && status == http.StatusOK:
		return "", 0, &llm.Error{Kind: llm.KindBadGateway, Status: http.StatusBadGateway, Upstream: true, Message: "Google's answer to the request for an access token is not JSON."}
	case status >= 500 || status == http.StatusTooManyRequests:
		return "", 0, &llm.Error{Kind: llm.KindUnavailable, Status: http.StatusServiceUnavailable, Upstream: true, Message: fmt.Sprintf("Google gives out no access token at the moment (status %d).", status)}
	}
	why := strings.Trim(short(a.Error)+": "+short(a.Description), ": .")
	if why == "" {
		why = fmt.Sprintf("status %d", status)
	}
	return "", 0, unauthorized("Google refused the gateway's credentials (" + why + "). Check the service account that vertex_credentials or GOOGLE_APPLICATION_CREDENTIALS names.")
}

// printable reports whether a token can stand in a header.
func printable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
